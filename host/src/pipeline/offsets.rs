//! Shows and sets the next offsets of pipelines. Setting them repairs halted
//! partitions.

use crate::kafka::OffsetSpec;
use crate::kafka::consumer::Cluster;
use crate::pipeline::partition::opening::{Facts, Opening, Policy};
use crate::pipeline::settings::{PipelineSettings, Resources};
use crate::record::{NO_TIME, TopicPartition};
use crate::store::{Identity, Ledger, LedgerKey, Store, StoreSettings, StoreUrl, Writer};
use anyhow::{Context, bail};

/// Selects partitions.
#[derive(Clone, Debug, Default)]
pub struct Which {
    /// This pipeline, or all.
    pub pipeline: Option<String>,
    /// This topic, or all.
    pub topic: Option<String>,
    /// This partition, or all.
    pub partition: Option<i32>,
    /// Only partitions that are halted, or would be at the next start.
    pub halted: bool,
}

/// The offsets of one partition.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The pipeline's name.
    pub pipeline: String,
    /// Its group.
    pub group: String,
    /// The partition.
    pub partition: TopicPartition,
    /// The ledger, if it exists.
    pub ledger: Option<Ledger>,
    /// The first available offset.
    pub low: i64,
    /// The offset after the last record.
    pub high: i64,
    /// The group's committed offset in Kafka, for other tools.
    pub committed: Option<i64>,
    /// How many values a stateful transform keeps.
    pub values: usize,
    /// The ledger belongs to another topic or cluster with the same name.
    is_another: bool,
    /// See [`Standing::note`].
    note: Option<String>,
}

/// A partition whose ledger was set.
#[derive(Clone, Debug)]
pub struct Change {
    /// The offsets before the change.
    pub before: Standing,
    /// The new next offset.
    pub next: i64,
}

/// Reads the offsets of the selected partitions.
///
/// # Errors
/// If Kafka or the store does not answer, or the pipeline, topic or partition does
/// not exist.
pub fn show(resources: Resources, which: &Which) -> anyhow::Result<Vec<Standing>> {
    let mut writer = Store::open(resources.store)?.writer();
    let mut all = Vec::new();
    for pipeline in chosen(resources, which)? {
        let cluster = Cluster::connect(resources.kafka, &pipeline.group)?;
        for partition in partitions(&cluster, pipeline, which)? {
            let facts = facts(&mut *writer, &cluster, &pipeline.group, &partition)?;
            all.push(Standing::of(pipeline, partition, facts, &mut *writer)?);
        }
    }
    Ok(all)
}

/// Options for setting offsets.
#[derive(Clone, Copy, Debug, Default)]
pub struct How {
    /// False for a dry run: nothing is written.
    pub write: bool,
    /// Also takes over ledgers of another Kafka cluster.
    pub force: bool,
    /// What becomes of the values of a stateful transform; required where there are
    /// some.
    pub values: Option<Kept>,
}

/// What becomes of values where a pipeline's next offset is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// They stay: records that are read again meet them.
    Keep,
    /// They are removed: the transform begins without values.
    Forget,
}

/// Sets the next offset of partitions.
///
/// # Errors
/// As [`show`]. Also if the group has members, the target is out of range, or a
/// ledger belongs to another cluster. Then nothing is changed.
pub fn set(
    resources: Resources,
    which: &Which,
    target: OffsetSpec,
    how: How,
) -> anyhow::Result<Vec<Change>> {
    let mut writer = Store::open(resources.store)?.writer();
    let mut changes = Vec::new();
    for pipeline in chosen(resources, which)? {
        let cluster = Cluster::connect(resources.kafka, &pipeline.group)?;
        let members = cluster.members(&pipeline.group)?;
        if members > 0 {
            let (name, group) = (&pipeline.name, &pipeline.group);
            bail!(
                "pipeline {name} is running: its group {group} has {members} member(s); stop them \
                 first (a killed member leaves when its session times out)"
            );
        }
        for partition in partitions(&cluster, pipeline, which)? {
            let facts = facts(&mut *writer, &cluster, &pipeline.group, &partition)?;
            let before = Standing::of(pipeline, partition.clone(), facts.clone(), &mut *writer)?;
            if which.halted && before.note.is_none() {
                continue;
            }
            if facts.is_of_another_cluster() && !how.force {
                bail!(
                    "{partition}: its ledger belongs to another Kafka cluster, where a pipeline may \
                     still use it: give each cluster a separate key-prefix or group-id, or add \
                     --force to take over the ledger"
                );
            }
            let next = place(&cluster, &partition, &facts, target)?;
            let stands = before.ledger.as_ref().map(|ledger| ledger.next);
            let stays = stands == Some(next) && !facts.is_another();
            if before.values > 0 && how.values.is_none() && !stays {
                bail!(
                    "{partition}: its transform keeps {} values, as of offset {}: add --keep-values \
                     if records read from {next} on may meet them, or --forget-values to begin \
                     without values",
                    before.values,
                    stands.unwrap_or_default()
                );
            }
            let mut ledger = facts.ledger_at(next);
            if how.values == Some(Kept::Forget) {
                ledger.clock = NO_TIME;
            }
            changes.push((Change { before, next }, ledger));
        }
    }
    if which.halted && changes.is_empty() {
        bail!("none of these partitions is halted");
    }
    if how.write {
        for (change, ledger) in &changes {
            let forget = how.values == Some(Kept::Forget);
            write_one(&mut *writer, &change.before, ledger, forget)?;
        }
    }
    Ok(changes.into_iter().map(|(change, _)| change).collect())
}

fn write_one(
    writer: &mut dyn Writer,
    before: &Standing,
    ledger: &Ledger,
    forget: bool,
) -> anyhow::Result<()> {
    let partition = &before.partition;
    let stands = before.ledger.as_ref().map(|ledger| ledger.next);
    let there = writer.begin(&before.key(), stands, ledger, forget)?;
    if there.next != ledger.next {
        bail!(
            "{partition}: its ledger moved to {} meanwhile: another process is writing it",
            there.next
        );
    }
    Ok(())
}

fn chosen<'a>(
    resources: Resources<'a>,
    which: &Which,
) -> anyhow::Result<Vec<&'a PipelineSettings>> {
    let wanted = |name: &str| which.pipeline.as_deref().is_none_or(|one| one == name);
    let reads = |p: &PipelineSettings| which.topic.as_ref().is_none_or(|t| p.topics.contains(t));
    let chosen: Vec<_> = resources
        .pipelines
        .iter()
        .filter(|p| wanted(&p.name))
        .collect();
    if chosen.is_empty() {
        let names: Vec<_> = resources.pipelines.iter().map(|p| &*p.name).collect();
        let wanted = which.pipeline.as_deref().unwrap_or_default();
        bail!(
            "unknown pipeline `{wanted}`; the configuration has: {}",
            names.join(", ")
        );
    }
    let chosen: Vec<_> = chosen.into_iter().filter(|p| reads(p)).collect();
    if chosen.is_empty() {
        bail!(
            "no pipeline reads topic {}",
            which.topic.as_deref().unwrap_or_default()
        );
    }
    Ok(chosen)
}

fn partitions(
    cluster: &Cluster,
    pipeline: &PipelineSettings,
    which: &Which,
) -> anyhow::Result<Vec<TopicPartition>> {
    let mut all = Vec::new();
    let topics = pipeline.topics.iter();
    for topic in topics.filter(|t| which.topic.as_ref().is_none_or(|one| one == *t)) {
        all.extend(cluster.partitions(topic)?);
    }
    if let Some(one) = which.partition {
        all.retain(|partition| partition.partition == one);
        if all.is_empty() {
            bail!("partition {one} does not exist");
        }
    }
    Ok(all)
}

/// Reads everything that is known of a partition.
fn facts(
    writer: &mut dyn Writer,
    cluster: &Cluster,
    group: &str,
    partition: &TopicPartition,
) -> anyhow::Result<Facts> {
    let ledger = writer.ledger(&LedgerKey::new(group, partition.clone()))?;
    let committed = cluster.committed(partition)?;
    let identity = Identity {
        topic_id: cluster.topic_id(&partition.topic)?.unwrap_or_default(),
        cluster_id: cluster.id().unwrap_or_default(),
    };
    let ends = cluster.watermarks(partition)?;
    Ok(Facts::new(ledger, ends, committed.as_ref(), identity))
}

fn place(
    cluster: &Cluster,
    partition: &TopicPartition,
    facts: &Facts,
    target: OffsetSpec,
) -> anyhow::Result<i64> {
    let Facts { low, high, .. } = facts;
    let next = match target {
        OffsetSpec::Earliest => *low,
        OffsetSpec::Latest => *high,
        OffsetSpec::Time(millis) => cluster.at_time(partition, millis)?.unwrap_or(*high),
        OffsetSpec::Offset(offset) => offset,
        OffsetSpec::BeforeEnd(records) => *high - records,
    };
    if !(*low..=*high).contains(&next) {
        bail!("{partition}: offset {next} is out of range (available: {low} to {high})");
    }
    Ok(next)
}

impl Standing {
    fn of(
        pipeline: &PipelineSettings,
        partition: TopicPartition,
        facts: Facts,
        writer: &mut dyn Writer,
    ) -> anyhow::Result<Standing> {
        let key = LedgerKey::new(&pipeline.group, partition.clone());
        let values = match facts.ledger {
            Some(_) => writer.values(&key, &[])?.count,
            None => 0,
        };
        let (ledger, is_another) = (facts.ledger.clone(), facts.is_another());
        let (low, high, committed) = (facts.low, facts.high, facts.committed);
        let policy = Policy {
            lost_ledger: pipeline.lost_ledger,
            keeps_state: pipeline.keeps_state(),
            ..Policy::halting(pipeline.start)
        };
        let note = match facts.judge(policy) {
            Opening::Halt { why, .. } => Some(why),
            Opening::GoOn(_) | Opening::Write { .. } => None,
        };
        Ok(Standing {
            pipeline: pipeline.name.clone(),
            group: pipeline.group.clone(),
            partition,
            ledger,
            low,
            high,
            committed,
            values,
            is_another,
            note,
        })
    }

    fn key(&self) -> LedgerKey {
        LedgerKey::new(&self.group, self.partition.clone())
    }

    /// The number of records after the ledger's offset, if the ledger belongs to this
    /// topic.
    pub fn lag(&self) -> Option<i64> {
        let ledger = self.ledger.as_ref().filter(|_| !self.is_another)?;
        Some((self.high - ledger.next).max(0))
    }

    /// Why the daemon would halt this partition, in its words.
    pub fn note(&self) -> Option<String> {
        self.note.clone()
    }
}

/// Checks that a command can reach the store.
///
/// # Errors
/// If the store is in the memory of the daemon.
pub fn check_store(store: &StoreSettings) -> anyhow::Result<()> {
    let here = matches!(store.url, StoreUrl::Memory);
    (!here)
        .then_some(())
        .context("the store is in the memory of the daemon: this command can't read it")
}
