//! Blocking admin calls of librdkafka that rdkafka does not wrap, or wraps only
//! for asynchronous callers.

use super::ask::{Ask, Kafka, Op, Refused, text};
use anyhow::{anyhow, bail};
use rdkafka::TopicPartitionList;
use rdkafka::bindings as sys;
use std::ffi::CString;
use std::time::Duration;

/// A topic's ID, as Kafka's tools write it; `None` if the cluster has none
/// (before Kafka 2.8) or does not support the call.
///
/// # Safety
/// `kafka` is a live client of librdkafka.
///
/// # Errors
/// When the cluster does not answer, or the topic does not exist.
pub(in crate::kafka) unsafe fn topic_id(
    kafka: Kafka,
    topic: &str,
    patience: Duration,
) -> anyhow::Result<Option<String>> {
    let name = CString::new(topic)?;
    let mut names = [name.as_ptr()];
    // SAFETY: by this function's safety contract `kafka` is live. The collection
    // copies its names and lives until it is destroyed below; the event owns the
    // data that is read from it.
    unsafe {
        let topics = sys::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), 1);
        let ask = Ask::new(kafka, Op::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, patience);
        sys::rd_kafka_DescribeTopics(kafka, topics, ask.options, ask.queue);
        sys::rd_kafka_TopicCollection_destroy(topics);
        let event = match ask.answer(patience) {
            Err(Refused::Unsupported) => return Ok(None),
            Err(Refused::Other(_, why)) => {
                bail!("can't read the ID of topic {topic} from Kafka: {why}")
            }
            Ok(event) => event,
        };
        let result = sys::rd_kafka_event_DescribeTopics_result(event.0);
        let mut count = 0;
        let list = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        if count == 0 {
            bail!("Kafka returned no description of topic {topic}");
        }
        let error = sys::rd_kafka_TopicDescription_error(*list);
        if sys::rd_kafka_error_code(error) != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            bail!(
                "can't describe topic {topic}: {}",
                text(sys::rd_kafka_error_string(error))
            );
        }
        let id = sys::rd_kafka_TopicDescription_topic_id(*list);
        let zero = sys::rd_kafka_Uuid_most_significant_bits(id) == 0
            && sys::rd_kafka_Uuid_least_significant_bits(id) == 0;
        Ok((!zero).then(|| text(sys::rd_kafka_Uuid_base64str(id))))
    }
}

/// Creates a topic with the brokers' default number of partitions and replicas.
/// An existing one is no error.
///
/// # Safety
/// `kafka` is a live client of librdkafka.
///
/// # Errors
/// Kafka's reason to refuse.
pub(in crate::kafka) unsafe fn create_topic(
    kafka: Kafka,
    topic: &str,
    patience: Duration,
) -> anyhow::Result<()> {
    let name = CString::new(topic)?;
    let mut said = [0; 256];
    // SAFETY: as above; the new topic is copied by the call and destroyed
    // after it.
    unsafe {
        let new = sys::rd_kafka_NewTopic_new(name.as_ptr(), -1, -1, said.as_mut_ptr(), said.len());
        if new.is_null() {
            bail!("{}", text(said.as_ptr()));
        }
        let mut list = [new];
        let ask = Ask::new(kafka, Op::RD_KAFKA_ADMIN_OP_CREATETOPICS, patience);
        sys::rd_kafka_CreateTopics(kafka, list.as_mut_ptr(), 1, ask.options, ask.queue);
        sys::rd_kafka_NewTopic_destroy(new);
        let event = ask.answer(patience).map_err(|refused| match refused {
            Refused::Unsupported => anyhow!("the cluster does not support creating topics"),
            Refused::Other(_, why) => anyhow!(why),
        })?;
        let result = sys::rd_kafka_event_CreateTopics_result(event.0);
        let mut count = 0;
        let results = sys::rd_kafka_CreateTopics_result_topics(result, &raw mut count);
        if count == 0 {
            bail!("Kafka returned no result for topic {topic}");
        }
        match sys::rd_kafka_topic_result_error(*results) {
            sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
            | sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS => Ok(()),
            _ => bail!(
                "{}",
                text(sys::rd_kafka_topic_result_error_string(*results))
            ),
        }
    }
}

/// The offset after a partition's last record, as of the last fetch.
///
/// # Safety
/// `kafka` is a live client of librdkafka.
pub(in crate::kafka) unsafe fn cached_end(
    kafka: Kafka,
    topic: &str,
    partition: i32,
) -> Option<i64> {
    let name = CString::new(topic).ok()?;
    let (mut low, mut high) = (-1, -1);
    // SAFETY: by this function's safety contract; the two numbers outlive the
    // call.
    let known = unsafe {
        sys::rd_kafka_get_watermark_offsets(
            kafka,
            name.as_ptr(),
            partition,
            &raw mut low,
            &raw mut high,
        )
    };
    let known = known == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
    (known && high >= 0).then_some(high)
}

/// The offset after a partition's last returned record, and after what librdkafka
/// skipped behind it; `None` if nothing has arrived yet.
///
/// # Safety
/// `kafka` is a live client of librdkafka.
pub(in crate::kafka) unsafe fn position(kafka: Kafka, topic: &str, partition: i32) -> Option<i64> {
    let mut asked = TopicPartitionList::with_capacity(1);
    asked.add_partition(topic, partition);
    // SAFETY: by this function's safety contract; the list outlives the call.
    unsafe { sys::rd_kafka_position(kafka, asked.ptr()) };
    let answer = asked.elements().first()?.offset();
    answer.to_raw().filter(|offset| *offset >= 0)
}

/// The commit metadata of a list's first partition. rdkafka panics if it is not
/// UTF-8, and another program may have written it.
pub(in crate::kafka) fn metadata(list: &TopicPartitionList) -> String {
    // SAFETY: the list and its elements live as long as `list`; if there is
    // metadata, it has the given size.
    unsafe {
        let list = &*list.ptr();
        if list.cnt < 1 || (*list.elems).metadata.is_null() {
            return String::new();
        }
        let first = &*list.elems;
        let bytes = std::slice::from_raw_parts(first.metadata.cast::<u8>(), first.metadata_size);
        String::from_utf8_lossy(bytes).into_owned()
    }
}
