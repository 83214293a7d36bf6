//! One admin call of librdkafka, with its result or an error that names what was
//! being done.

use super::cluster_error::Doing;
use super::native::ask::{Ask, Code, Event, Kafka, Op, Refused};
use super::native::call::PATIENCE;
use super::{ClusterError, Connection};
use std::time::{Duration, Instant};

/// How long a change may take until every broker knows it.
const CHANGE: Duration = Duration::from_secs(15);

/// The pause before a query is repeated.
const AGAIN: Duration = Duration::from_millis(250);

/// Whether the operation only reads. Such a query may be repeated if a broker
/// went away meanwhile: another one may answer.
fn is_question(op: Op) -> bool {
    matches!(
        op,
        Op::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS
            | Op::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS
            | Op::RD_KAFKA_ADMIN_OP_LISTOFFSETS
            | Op::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS
            | Op::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS
            | Op::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS
    )
}

impl Connection {
    /// Makes the call and waits for the event with its result.
    ///
    /// # Safety
    /// Each time it is called, `call` makes the one call that `op` names, with
    /// the client, the options and the queue that it is given.
    pub(in crate::kafka) unsafe fn ask(
        &self,
        op: Op,
        doing: &Doing,
        only_validate: bool,
        mut call: impl FnMut(Kafka, &Ask),
    ) -> Result<Event, ClusterError> {
        let patience = if is_question(op) { PATIENCE } else { CHANGE };
        let until = Instant::now() + patience;
        let answer = loop {
            let left = until.saturating_duration_since(Instant::now());
            // SAFETY: the client lives as long as `self`, which outlives the
            // call; the call uses its queue, by this function's safety contract.
            let answer = unsafe {
                let ask = Ask::new(self.native(), op, left)
                    .until_known(left)
                    .validating(only_validate);
                call(self.native(), &ask);
                ask.answer(left)
            };
            match answer {
                Err(Refused::Other(Code::RD_KAFKA_RESP_ERR__TRANSPORT, _))
                    if is_question(op) && left > AGAIN =>
                {
                    std::thread::sleep(AGAIN);
                }
                other => break other,
            }
        };
        answer.map_err(|refused| match refused {
            Refused::Unsupported => {
                doing.refused("the cluster does not support it: it is too old, or not Kafka")
            }
            Refused::Other(
                Code::RD_KAFKA_RESP_ERR__TIMED_OUT | Code::RD_KAFKA_RESP_ERR__TRANSPORT,
                _,
            ) => match (doing.unsure(), self.lost()) {
                (Some(unsure), lost) => ClusterError::Unsure {
                    why: lost.to_string(),
                    unsure,
                },
                (None, lost) => lost,
            },
            Refused::Other(code, why) => doing.failed(code, &why),
        })
    }
}
