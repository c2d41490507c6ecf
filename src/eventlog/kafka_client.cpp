#include "eventlog/kafka_client.hpp"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace deltadrop::eventlog::kafka {
namespace {

/// The properties that Deltadrop's guarantees depend on: no gaps, fixed order, no offsets stored in Kafka, no
/// skipping.
constexpr auto kOurs = std::to_array<std::string_view>(
    {"bootstrap.servers", "metadata.broker.list", "enable.idempotence", "acks", "request.required.acks",
     "message.timeout.ms", "delivery.timeout.ms", "partitioner", "message.max.bytes", "enable.auto.commit",
     "enable.auto.offset.store", "auto.offset.reset", "partition.assignment.strategy", "group.id",
     "group.protocol", "transactional.id"});

Error bad_property(const std::string& name, const std::string& reason) {
  return Error{ErrorCode::invalid_input, "kafka-property", fmt::format("Kafka property {}: {}", name, reason),
               "see librdkafka's CONFIGURATION.md for names and values"};
}

class Conf {
 public:
  Conf() : conf_(rd_kafka_conf_new()) {}
  ~Conf() {
    if (conf_ != nullptr) rd_kafka_conf_destroy(conf_);
  }
  Conf(const Conf&) = delete;
  Conf& operator=(const Conf&) = delete;

  Result<void> set(const std::string& name, const std::string& value) {
    std::array<char, 512> reason{};
    if (rd_kafka_conf_set(conf_, name.c_str(), value.c_str(), reason.data(), reason.size()) !=
        RD_KAFKA_CONF_OK) {
      return bad_property(name, reason.data());
    }
    return success();
  }

  Result<void> set_all(const std::map<std::string, std::string>& properties) {
    for (const auto& [name, value] : properties) {
      DD_TRY(set(name, value));
    }
    return success();
  }

  [[nodiscard]] rd_kafka_conf_t* get() const { return conf_; }

  Result<Client> make(Role role) {
    std::array<char, 512> reason{};
    const auto type = role == Role::consumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER;
    rd_kafka_t* client = rd_kafka_new(type, conf_, reason.data(), reason.size());
    if (client == nullptr) {
      return Error{ErrorCode::invalid_input, "kafka-property",
                   fmt::format("cannot create the Kafka client: {}", reason.data()),
                   "correct the KAFKA_ settings"};
    }
    conf_ = nullptr;  // the client now owns it
    return Client(client);
  }

 private:
  rd_kafka_conf_t* conf_;
};

/// Chooses the fix by librdkafka's text. If a broker rejects the connection, the text is all that is known.
std::string_view repair_of(std::string_view reason) {
  const auto says = [&](std::string_view word) { return reason.find(word) != std::string_view::npos; };
  if (says("certificate") || says("SSL handshake")) {
    return "set KAFKA_CONFIG_SSL_CA_LOCATION to the authority that signed the broker's certificate, and use "
           "the certificate's host name in KAFKA_BOOTSTRAP_SERVERS";
  }
  if (says("uthentication") || says("security.protocol")) {
    return "correct KAFKA_CONFIG_SECURITY_PROTOCOL, KAFKA_CONFIG_SASL_MECHANISMS, KAFKA_CONFIG_SASL_USERNAME "
           "and KAFKA_CONFIG_SASL_PASSWORD";
  }
  return "Deltadrop retries by itself; check that the broker runs, that KAFKA_BOOTSTRAP_SERVERS names it "
         "and, if it requires TLS or a login, KAFKA_CONFIG_SECURITY_PROTOCOL";
}

void on_log(const rd_kafka_t* client, int, const char* facility, const char* text) {
  if (client == nullptr) return;
  static_cast<ClientContext*>(rd_kafka_opaque(client))->log(fmt::format("librdkafka {}: {}", facility, text));
}

void on_error(rd_kafka_t*, int code, const char* reason, void* opaque) {
  static_cast<ClientContext*>(opaque)->complain(reason, code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN);
}

}  // namespace

void ClientDeleter::operator()(rd_kafka_s* client) const noexcept { rd_kafka_destroy(client); }
void QueueDeleter::operator()(rd_kafka_queue_s* queue) const noexcept { rd_kafka_queue_destroy(queue); }
void EventDeleter::operator()(rd_kafka_op_s* event) const noexcept { rd_kafka_event_destroy(event); }

void ClientContext::complain(const std::string& reason, bool all_down) {
  log(reason);
  const std::lock_guard lock(mutex_);
  all_down_ = all_down_ || all_down;
  // Keep the previous complaint: "1/1 brokers are down" does not say why they are down.
  if (!all_down || complaint_.empty()) complaint_ = reason;
}

void ClientContext::answered() {
  const std::lock_guard lock(mutex_);
  complaint_.clear();
  all_down_ = false;
}

std::string ClientContext::complaint() const {
  const std::lock_guard lock(mutex_);
  return complaint_;
}

bool ClientContext::all_down() const {
  const std::lock_guard lock(mutex_);
  return all_down_;
}

Result<void> check_properties(const Options& options) {
  for (const auto& [name, value] : options.properties) {
    if (std::find(kOurs.begin(), kOurs.end(), name) == kOurs.end()) continue;
    return Error{
        ErrorCode::invalid_input, "kafka-property",
        fmt::format("Kafka property {} cannot be changed: Deltadrop's guarantees depend on it", name),
        "remove it from the KAFKA_CONFIG_ settings"};
  }
  return success();
}

Result<Client> make_client(Role role, const Options& options,
                           const std::map<std::string, std::string>& properties, ClientContext& context,
                           const std::function<void(rd_kafka_conf_s*)>& adjust) {
  Conf conf;
  DD_TRY(conf.set("bootstrap.servers", options.bootstrap_servers));
  DD_TRY(conf.set("client.id", "deltadrop"));
  DD_TRY(conf.set("socket.keepalive.enable", "true"));
  DD_TRY(conf.set("reconnect.backoff.max.ms", "1000"));
  DD_TRY(conf.set("topic.metadata.refresh.interval.ms", "30000"));
  DD_TRY(conf.set_all(properties));
  DD_TRY(conf.set_all(options.properties));
  rd_kafka_conf_set_opaque(conf.get(), &context);
  rd_kafka_conf_set_log_cb(conf.get(), on_log);
  if (role != Role::producer) rd_kafka_conf_set_error_cb(conf.get(), on_error);
  if (adjust) adjust(conf.get());
  return conf.make(role);
}

Error kafka_unavailable(const Options& options, const std::string& what, const std::string& reason) {
  return Error{ErrorCode::unavailable, "kafka-unavailable",
               fmt::format("Kafka at {}: {}: {}", options.bootstrap_servers, what, reason),
               std::string(repair_of(reason))};
}

void Interrupt::fire() noexcept {
  const std::lock_guard lock(mutex_);
  fired_ = true;
  for (auto* queue : queues_) rd_kafka_queue_yield(queue);
}

bool Interrupt::fired() const {
  const std::lock_guard lock(mutex_);
  return fired_;
}

Interrupt::Watch::Watch(Interrupt& interrupt, rd_kafka_queue_s* queue)
    : interrupt_(interrupt), queue_(queue) {
  const std::lock_guard lock(interrupt_.mutex_);
  interrupt_.queues_.insert(queue_);
  if (interrupt_.fired_) rd_kafka_queue_yield(queue_);
}

Interrupt::Watch::~Watch() {
  const std::lock_guard lock(interrupt_.mutex_);
  interrupt_.queues_.erase(interrupt_.queues_.find(queue_));
}

}  // namespace deltadrop::eventlog::kafka
