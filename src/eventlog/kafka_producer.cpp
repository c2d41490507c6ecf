#include "eventlog/kafka_producer.hpp"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

#include "eventlog/checks.hpp"

namespace deltadrop::eventlog::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// The length of a span of messages, and thus the resolution of their age.
constexpr milliseconds kSpanLength{250};
constexpr std::size_t kBatchBytesMax = 1'000'000;
constexpr std::string_view kContentType = "application/json";

std::size_t counted_bytes(std::size_t key, std::size_t value) { return key + value + kMessageOverheadBytes; }

Error in_doubt(const std::string& reason) {
  return Error{ErrorCode::in_doubt, "kafka-in-doubt",
               fmt::format("Kafka may or may not have stored some events: {}", reason),
               "publish the upload again; its events keep their ids"};
}

std::map<std::string, std::string> properties_of(const Options& options, std::size_t batch_bytes_max) {
  const std::size_t message_bytes = std::max<std::size_t>(options.message_bytes_max + 4096, 100'000);
  const std::size_t queue_kbytes = options.unacknowledged_bytes_max * 2 / 1024 + 1024;
  return {
      {"enable.idempotence", "true"},
      {"acks", "all"},
      // Never give up a message: that would leave a gap. Health reports how long the oldest has waited.
      {"message.timeout.ms", "0"},
      {"partitioner", "murmur2_random"},
      // Publishing takes about half as long as with zstd. Where the network or the broker's disk is
      // expensive, the operator can set zstd.
      {"compression.codec", "lz4"},
      {"message.max.bytes", std::to_string(message_bytes)},
      {"batch.size", std::to_string(std::min(kBatchBytesMax, batch_bytes_max - batch_bytes_max / 64))},
      // The topic existed when this producer was created. If it disappears, messages wait for it this long.
      {"topic.metadata.propagation.max.ms", "5000"},
      // Our own bound applies first, so librdkafka never reaches these.
      {"queue.buffering.max.messages", "0"},
      {"queue.buffering.max.kbytes", std::to_string(queue_kbytes)},
  };
}

class KafkaPublication final : public Publication {
 public:
  explicit KafkaPublication(std::shared_ptr<Producer> producer)
      : producer_(std::move(producer)), progress_(std::make_shared<Progress>()) {}
  ~KafkaPublication() override { producer_->close(span_); }
  KafkaPublication(const KafkaPublication&) = delete;
  KafkaPublication& operator=(const KafkaPublication&) = delete;

  Result<void> append(const Message& message) override {
    return producer_->append(progress_, span_, message);
  }
  Result<void> await_delivery(steady_clock::time_point deadline) override {
    return producer_->await_delivery(*progress_, deadline);
  }

 private:
  std::shared_ptr<Producer> producer_;
  std::shared_ptr<Progress> progress_;
  Span* span_ = nullptr;
};

/// Passes a message to librdkafka. An empty `signature` means that messages are not signed.
rd_kafka_resp_err_t hand_over(rd_kafka_t* client, const std::string& topic, const Message& message,
                              const std::string& signature, Span* span) {
  const auto type = to_string(message.event_type);
  const auto upload = message.upload_id.to_chars();
  rd_kafka_vu_t topic_name{};
  topic_name.vtype = RD_KAFKA_VTYPE_TOPIC;
  topic_name.u.cstr = topic.c_str();
  rd_kafka_vu_t key{};
  key.vtype = RD_KAFKA_VTYPE_KEY;
  key.u.mem = {const_cast<char*>(message.key.data()), message.key.size()};  // copied
  rd_kafka_vu_t value{};
  value.vtype = RD_KAFKA_VTYPE_VALUE;
  // A null pointer would make the message a tombstone.
  const char* bytes = message.value.empty() ? "" : message.value.data();
  value.u.mem = {const_cast<char*>(bytes), message.value.size()};  // copied
  rd_kafka_vu_t flags{};
  flags.vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  flags.u.i = RD_KAFKA_MSG_F_COPY;
  rd_kafka_vu_t opaque{};
  opaque.vtype = RD_KAFKA_VTYPE_OPAQUE;
  opaque.u.ptr = span;
  const auto header = [](const char* name, std::string_view text) {
    rd_kafka_vu_t made{};
    made.vtype = RD_KAFKA_VTYPE_HEADER;
    made.u.header = {name, text.data(), static_cast<ssize_t>(text.size())};
    return made;
  };
  const auto parts = std::to_array<rd_kafka_vu_t>(
      {topic_name, key, value, flags, opaque, header("event_type", type),
       header("content-type", kContentType), header("upload_id", {upload.data(), upload.size()}),
       header(kSignatureHeader, signature)});
  const std::size_t count = signature.empty() ? parts.size() - 1 : parts.size();
  rd_kafka_error_t* error = rd_kafka_produceva(client, parts.data(), count);
  const auto code = rd_kafka_error_code(error);
  if (error != nullptr) rd_kafka_error_destroy(error);
  return code;
}

Error refusal(const Options& options, rd_kafka_resp_err_t code, bool maybe_persisted) {
  const std::string reason = rd_kafka_err2str(code);
  if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
    return Error{ErrorCode::invalid_input, "message-too-large",
                 fmt::format("topic {} does not accept an event of this size: {}", options.topic, reason),
                 "raise the topic's max.message.bytes, or lower MAX_EVENT_BYTES"};
  }
  if (maybe_persisted) return in_doubt(reason);
  return kafka_unavailable(options, "topic " + options.topic, reason);
}

}  // namespace

Producer::Producer(const Options& options)
    : options_(options), signatures_(options_.signature_keys), context_(options_, this) {}

Result<std::shared_ptr<Producer>> Producer::open(const Options& options, std::size_t batch_bytes_max) {
  auto producer = std::make_shared<Producer>(options);
  DD_TRY(producer->client_, make_client(Role::producer, options, properties_of(options, batch_bytes_max),
                                        producer->context_, [](rd_kafka_conf_t* conf) {
                                          rd_kafka_conf_set_events(conf,
                                                                   RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
                                        }));
  producer->queue_.reset(rd_kafka_queue_get_main(producer->client_.get()));
  producer->thread_ = std::thread([raw = producer.get()] { raw->serve(); });
  return producer;
}

Producer::~Producer() {
  closing_ = true;
  if (thread_.joinable()) {
    rd_kafka_queue_yield(queue_.get());
    thread_.join();
  }
  if (client_) rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  queue_.reset();
}

std::unique_ptr<Publication> Producer::publish(const UploadId&) {
  return std::make_unique<KafkaPublication>(shared_from_this());
}

bool Producer::usable() const {
  const std::lock_guard lock(mutex_);
  return !fatal_ && !refused_;
}

std::optional<milliseconds> Producer::oldest_unacknowledged() const {
  const std::lock_guard lock(mutex_);
  const auto oldest =
      std::find_if(spans_.begin(), spans_.end(), [](const Span& span) { return span.outstanding > 0; });
  if (oldest == spans_.end()) return std::nullopt;
  return std::chrono::duration_cast<milliseconds>(steady_clock::now() - oldest->since);
}

void Producer::interrupt() noexcept {
  const std::lock_guard lock(mutex_);
  interrupted_ = true;
  changed_.notify_all();
}

Result<void> Producer::wait_for_room(std::unique_lock<std::mutex>& lock, const Progress& progress,
                                     std::size_t bytes) {
  changed_.wait(lock, [&] {
    return interrupted_ || fatal_ || progress.failure || unacknowledged_bytes_ == 0 ||
           unacknowledged_bytes_ + bytes <= options_.unacknowledged_bytes_max;
  });
  if (interrupted_) return interrupted();
  if (progress.failure) return *progress.failure;
  if (fatal_) return *fatal_;
  return success();
}

Span& Producer::span_for(const std::shared_ptr<Progress>& progress, Span*& span) {
  const auto now = steady_clock::now();
  if (span != nullptr && now - span->since < kSpanLength) return *span;
  if (span != nullptr) {
    span->open = false;
    forget_if_done(span);
  }
  spans_.push_back({.progress = progress, .since = now});
  span = &spans_.back();
  return *span;
}

Result<void> Producer::append(const std::shared_ptr<Progress>& progress, Span*& span,
                              const Message& message) {
  DD_TRY(check_message_size(message, options_.message_bytes_max));
  const std::size_t bytes = counted_bytes(message.key.size(), message.value.size());
  const std::string signature =
      signatures_.enabled() ? signatures_.of(message.key, message.value) : std::string();
  while (true) {
    std::unique_lock lock(mutex_);
    DD_TRY(wait_for_room(lock, *progress, bytes));
    Span& counted = span_for(progress, span);
    ++counted.outstanding;
    ++progress->outstanding;
    unacknowledged_bytes_ += bytes;
    lock.unlock();
    const auto code = hand_over(client_.get(), options_.topic, message, signature, &counted);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return success();
    lock.lock();
    --counted.outstanding;
    --progress->outstanding;
    unacknowledged_bytes_ -= bytes;
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && unacknowledged_bytes_ > 0) {
      changed_.wait(lock);  // wait for the next delivery report, which makes room
      continue;
    }
    progress->failure =
        code == RD_KAFKA_RESP_ERR__FATAL ? in_doubt(rd_kafka_err2str(code)) : refusal(options_, code, false);
    refused_ = true;
    return *progress->failure;
  }
}

Result<void> Producer::await_delivery(const Progress& progress, steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  const bool settled = changed_.wait_until(lock, deadline, [&] {
    return interrupted_ || fatal_ || progress.failure || progress.outstanding == 0;
  });
  if (progress.failure) return *progress.failure;
  if (progress.outstanding == 0) return success();
  if (interrupted_) return interrupted();
  if (fatal_) return *fatal_;
  if (settled) return success();
  const std::string complaint = context_.complaint();
  return Error{ErrorCode::timed_out, "kafka-not-acknowledged",
               fmt::format("Kafka at {} has not yet acknowledged {} events{}{}", options_.bootstrap_servers,
                           progress.outstanding, complaint.empty() ? "" : ": ", complaint),
               "Deltadrop keeps retrying"};
}

void Producer::forget_if_done(Span* span) {
  if (span->open || span->outstanding > 0) return;
  const auto at = std::find_if(spans_.begin(), spans_.end(), [&](const Span& each) { return &each == span; });
  if (at != spans_.end()) spans_.erase(at);
}

void Producer::close(Span* span) {
  if (span == nullptr) return;
  const std::lock_guard lock(mutex_);
  span->open = false;
  forget_if_done(span);
}

void Producer::serve() {
  constexpr int kPollMs = 1000;  // if a yield is lost, the thread sees `closing_` this late
  while (!closing_) {
    const Event event(rd_kafka_queue_poll(queue_.get(), kPollMs));
    if (!event) continue;
    switch (rd_kafka_event_type(event.get())) {
      case RD_KAFKA_EVENT_DR:
        take_reports(event.get());
        break;
      case RD_KAFKA_EVENT_ERROR:
        take_error(event.get());
        break;
      default:
        break;
    }
  }
}

void Producer::take_reports(rd_kafka_op_s* event) {
  bool acknowledged = false;
  {
    const std::lock_guard lock(mutex_);
    while (const auto* report = rd_kafka_event_message_next(event)) {
      auto* span = static_cast<Span*>(report->_private);
      --span->outstanding;
      --span->progress->outstanding;
      unacknowledged_bytes_ -= counted_bytes(report->key_len, report->len);
      if (report->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        acknowledged = true;
      } else {
        // Whether the producer or this message failed, the publication has failed and needs a new producer.
        refused_ = true;
        const bool doubtful = rd_kafka_message_status(report) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED ||
                              rd_kafka_fatal_error(client_.get(), nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
        if (!span->progress->failure) span->progress->failure = refusal(options_, report->err, doubtful);
      }
      forget_if_done(span);
    }
    changed_.notify_all();
  }
  if (acknowledged) context_.answered();
}

void Producer::take_error(rd_kafka_op_s* event) {
  const auto code = rd_kafka_event_error(event);
  if (code != RD_KAFKA_RESP_ERR__FATAL) {
    context_.complain(rd_kafka_event_error_string(event), code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN);
    return;
  }
  std::array<char, 512> reason{};
  const auto cause = rd_kafka_fatal_error(client_.get(), reason.data(), reason.size());
  context_.log(fmt::format("the Kafka producer failed and is being replaced: {} ({})", reason.data(),
                           rd_kafka_err2name(cause)));
  const std::lock_guard lock(mutex_);
  fatal_ = in_doubt(reason.data());
  changed_.notify_all();
}

}  // namespace deltadrop::eventlog::kafka
