#pragma once

#include <map>
#include <string>
#include <vector>

/// librdkafka alone: a loop over messages that are ready in memory, as in its own rdkafka_performance.
namespace deltadrop::bench {

struct ReadyMessage {
  std::string key;
  std::string value;
  std::string event_type;
};

/// Returns the seconds from the first produced message until the broker has acknowledged all of them, with
/// acks=all, idempotence and `properties`. If the producer rejects a message, prints the reason and ends the
/// process.
double produce_bare(const std::string& bootstrap_servers, const std::string& topic,
                    const std::string& upload_id, const std::vector<ReadyMessage>& messages,
                    const std::map<std::string, std::string>& properties);

}  // namespace deltadrop::bench
