//! What is known of a consumer group.

/// A group's name and state.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its name.
    pub group: String,
    /// Kafka's word: `Stable`, `Empty`, `PreparingRebalance`, ...
    pub state: String,
}

/// A group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Kafka's word: `Stable`, `Empty`, `PreparingRebalance`, ...
    pub state: String,
    /// How its members share partitions; empty while it has none.
    pub assignor: String,
    /// The broker that coordinates it.
    pub coordinator: Option<i32>,
    /// Who reads with it now.
    pub members: Vec<Member>,
    /// Where it is, by topic and partition.
    pub offsets: Vec<GroupOffset>,
}

/// Who reads with a group.
#[derive(Clone, Debug)]
pub struct Member {
    /// The ID that the coordinator gave it.
    pub id: String,
    /// What it calls itself.
    pub client: String,
    /// Its name as a static member, if it is one.
    pub instance: Option<String>,
    /// Where it connects from.
    pub host: String,
    /// Topics and partitions that it reads.
    pub partitions: Vec<(String, i32)>,
}

/// Where a group is in a partition.
#[derive(Clone, Debug)]
pub struct GroupOffset {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The next offset that it reads; `None` where it has committed none.
    pub committed: Option<i64>,
    /// The offset after the last record; `None` where it is not known, since
    /// the topic is gone or has no leader.
    pub end: Option<i64>,
    /// The member that reads it, by its place in the list of members.
    pub member: Option<usize>,
}

impl GroupOffset {
    /// How many records (by offsets) are before it.
    pub fn lag(&self) -> Option<i64> {
        Some((self.end? - self.committed?).max(0))
    }
}
