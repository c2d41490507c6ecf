#pragma once

#include <map>
#include <string>
#include <vector>

/// What librdkafka alone does: a loop over messages that lie ready in memory, as its own rdkafka_performance
/// has it.
namespace deltadrop::bench {

struct ReadyMessage {
  std::string key;
  std::string value;
  std::string event_type;
};

/// Seconds from the first message handed over until the broker has acknowledged all of them, with acks=all,
/// idempotence and `properties` beside. Ends the process with a message where a message is not taken.
double produce_bare(const std::string& bootstrap_servers, const std::string& topic,
                    const std::string& upload_id, const std::vector<ReadyMessage>& messages,
                    const std::map<std::string, std::string>& properties);

}  // namespace deltadrop::bench
