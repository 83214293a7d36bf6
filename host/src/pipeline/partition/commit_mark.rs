//! The metadata of a commit in Kafka: a mark that it is Millstream's, with the IDs of
//! the topic and the cluster. If Redis loses a ledger, only a commit with this mark
//! replaces it, not one of another program or of an earlier topic with that name.

use crate::kafka::consumer::Commit;
use crate::store::Identity;

const MARK: &str = "millstream";

/// The mark for commits of this topic.
pub(in crate::pipeline) fn of(identity: &Identity) -> String {
    format!("{MARK} {} {}", identity.cluster_id, identity.topic_id)
}

/// Whether a commit is Millstream's and of this topic.
pub(in crate::pipeline) fn is_of(commit: &Commit, identity: &Identity) -> bool {
    let known = !identity.cluster_id.is_empty() && !identity.topic_id.is_empty();
    known && commit.metadata == of(identity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::TopicPartition;

    #[test]
    fn only_a_commit_with_the_mark_of_this_topic_and_cluster_counts() {
        let identity = |cluster: &str, topic: &str| Identity {
            cluster_id: cluster.into(),
            topic_id: topic.into(),
        };
        let commit = |metadata: &str| Commit {
            partition: TopicPartition {
                topic: "t".into(),
                partition: 0,
            },
            next: 7,
            metadata: metadata.into(),
        };
        let here = identity("c", "t");
        assert!(is_of(&commit(&of(&here)), &here));
        for other in [identity("d", "t"), identity("c", "u"), identity("", "")] {
            assert!(!is_of(&commit(&of(&other)), &here), "{other:?}");
        }
        assert!(!is_of(&commit(""), &here));
        let unknown = identity("", "");
        assert!(!is_of(&commit(&of(&unknown)), &unknown), "nothing is known");
    }
}
