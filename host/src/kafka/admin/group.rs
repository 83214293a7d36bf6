//! Plain data about consumer groups.

/// A group's name and state.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its name.
    pub group: String,
    /// Kafka's name for the state: `Stable`, `Empty`, `PreparingRebalance`, ...
    pub state: String,
}

/// A consumer group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Kafka's name for the state: `Stable`, `Empty`, `PreparingRebalance`, ...
    pub state: String,
    /// The assignment strategy of its members; empty while it has none.
    pub assignor: String,
    /// The broker that coordinates it.
    pub coordinator: Option<i32>,
    /// Its current members.
    pub members: Vec<Member>,
    /// Its offsets, by topic and partition.
    pub offsets: Vec<GroupOffset>,
}

/// A member of a group.
#[derive(Clone, Debug)]
pub struct Member {
    /// The ID that the coordinator gave it.
    pub id: String,
    /// Its client ID.
    pub client: String,
    /// Its ID as a static member, if it is one.
    pub instance: Option<String>,
    /// The host that it connects from.
    pub host: String,
    /// Topics and partitions that it reads.
    pub partitions: Vec<(String, i32)>,
}

/// A group's offset in a partition.
#[derive(Clone, Debug)]
pub struct GroupOffset {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The next offset that it reads; `None` where it has committed none.
    pub committed: Option<i64>,
    /// The offset after the last record; `None` if unknown because the topic is
    /// deleted or has no leader.
    pub end: Option<i64>,
    /// The member that reads it, as an index into the list of members.
    pub member: Option<usize>,
}

impl GroupOffset {
    /// How many records (by offsets) are left to read.
    pub fn lag(&self) -> Option<i64> {
        Some((self.end? - self.committed?).max(0))
    }
}
