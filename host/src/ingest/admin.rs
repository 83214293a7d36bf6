//! Questions and orders to a cluster that rdkafka does not wrap, or only for
//! asynchronous callers: librdkafka's admin calls, waited for.

use anyhow::{anyhow, bail};
use rdkafka::TopicPartitionList;
use rdkafka::bindings as sys;
use rdkafka::bindings::rd_kafka_admin_op_t as Op;
use std::ffi::{CStr, CString, c_char};
use std::ptr;
use std::time::Duration;

type Kafka = *mut sys::rd_kafka_t;

/// A topic's ID, as Kafka's tools write it; `None` where the cluster has none
/// (before Kafka 2.8), or does not know the question.
///
/// # Safety
/// `kafka` is a live client of librdkafka.
///
/// # Errors
/// When the cluster does not answer, or there is no such topic.
pub(super) unsafe fn topic_id(
    kafka: Kafka,
    topic: &str,
    patience: Duration,
) -> anyhow::Result<Option<String>> {
    let name = CString::new(topic)?;
    let mut names = [name.as_ptr()];
    // SAFETY: by this function's own promise `kafka` is live. The collection
    // copies its names and lives until it is destroyed below; the event owns
    // what is read of it.
    unsafe {
        let topics = sys::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), 1);
        let ask = Ask::new(kafka, Op::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, patience);
        sys::rd_kafka_DescribeTopics(kafka, topics, ask.options, ask.queue);
        sys::rd_kafka_TopicCollection_destroy(topics);
        let event = match ask.answer(patience) {
            Err(Refused::Unsupported) => return Ok(None),
            Err(Refused::Other(why)) => bail!("asking Kafka for the ID of {topic}: {why}"),
            Ok(event) => event,
        };
        let result = sys::rd_kafka_event_DescribeTopics_result(event.0);
        let mut count = 0;
        let list = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        if count == 0 {
            bail!("Kafka does not describe the topic {topic}");
        }
        let error = sys::rd_kafka_TopicDescription_error(*list);
        if sys::rd_kafka_error_code(error) != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            bail!(
                "the topic {topic}: {}",
                text(sys::rd_kafka_error_string(error))
            );
        }
        let id = sys::rd_kafka_TopicDescription_topic_id(*list);
        let zero = sys::rd_kafka_Uuid_most_significant_bits(id) == 0
            && sys::rd_kafka_Uuid_least_significant_bits(id) == 0;
        Ok((!zero).then(|| text(sys::rd_kafka_Uuid_base64str(id))))
    }
}

/// Makes a topic, with as many partitions and replicas as the broker gives by
/// itself. One that is there already is fine.
///
/// # Safety
/// `kafka` is a live client of librdkafka.
///
/// # Errors
/// What Kafka has against it.
pub(super) unsafe fn create_topic(
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
            Refused::Unsupported => anyhow!("this cluster makes no topics for clients"),
            Refused::Other(why) => anyhow!(why),
        })?;
        let result = sys::rd_kafka_event_CreateTopics_result(event.0);
        let mut count = 0;
        let results = sys::rd_kafka_CreateTopics_result_topics(result, &raw mut count);
        if count == 0 {
            bail!("Kafka says nothing of the topic {topic}");
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

/// What one call needs, until it is answered.
struct Ask {
    options: *mut sys::rd_kafka_AdminOptions_t,
    queue: *mut sys::rd_kafka_queue_t,
}

enum Refused {
    Unsupported,
    Other(String),
}

impl Ask {
    /// # Safety
    /// `kafka` is live, and outlives this.
    unsafe fn new(kafka: Kafka, op: Op, patience: Duration) -> Ask {
        let millis = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: both are made here and destroyed in `drop`; a time-out that
        // is refused leaves the default.
        unsafe {
            let options = sys::rd_kafka_AdminOptions_new(kafka, op);
            let queue = sys::rd_kafka_queue_new(kafka);
            sys::rd_kafka_AdminOptions_set_request_timeout(options, millis, ptr::null_mut(), 0);
            Ask { options, queue }
        }
    }

    /// Waits for the call's one event; a little longer than librdkafka does.
    ///
    /// # Safety
    /// The call was made with this queue.
    unsafe fn answer(&self, patience: Duration) -> Result<Event, Refused> {
        let millis = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the queue lives as long as `self`; the event is owned by
        // what is returned.
        unsafe {
            let event = sys::rd_kafka_queue_poll(self.queue, millis.saturating_add(1000));
            if event.is_null() {
                return Err(Refused::Other("no answer".into()));
            }
            let event = Event(event);
            match sys::rd_kafka_event_error(event.0) {
                sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(event),
                sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE
                | sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION => {
                    Err(Refused::Unsupported)
                }
                _ => Err(Refused::Other(text(sys::rd_kafka_event_error_string(
                    event.0,
                )))),
            }
        }
    }
}

impl Drop for Ask {
    fn drop(&mut self) {
        // SAFETY: made in `new`, destroyed only here.
        unsafe {
            sys::rd_kafka_AdminOptions_destroy(self.options);
            sys::rd_kafka_queue_destroy(self.queue);
        }
    }
}

struct Event(*mut sys::rd_kafka_event_t);

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: got from a queue, destroyed only here.
        unsafe { sys::rd_kafka_event_destroy(self.0) }
    }
}

/// # Safety
/// `chars` is null or a string that ends.
unsafe fn text(chars: *const c_char) -> String {
    if chars.is_null() {
        return String::new();
    }
    // SAFETY: by this function's own promise.
    unsafe { CStr::from_ptr(chars) }
        .to_string_lossy()
        .into_owned()
}

/// The offset after a partition's last record, as far as fetches told it.
///
/// # Safety
/// `kafka` is a live client of librdkafka.
pub(super) unsafe fn cached_end(kafka: Kafka, topic: &str, partition: i32) -> Option<i64> {
    let name = CString::new(topic).ok()?;
    let (mut low, mut high) = (-1, -1);
    // SAFETY: by this function's own promise; the two numbers outlive the call.
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

/// The offset after what was handed out last of a partition, and after what
/// librdkafka kept to itself behind it; `None` where nothing came yet.
///
/// # Safety
/// `kafka` is a live client of librdkafka.
pub(super) unsafe fn position(kafka: Kafka, topic: &str, partition: i32) -> Option<i64> {
    let mut asked = TopicPartitionList::with_capacity(1);
    asked.add_partition(topic, partition);
    // SAFETY: by this function's own promise; the list outlives the call.
    unsafe { sys::rd_kafka_position(kafka, asked.ptr()) };
    let answer = asked.elements().first()?.offset();
    answer.to_raw().filter(|offset| *offset >= 0)
}
