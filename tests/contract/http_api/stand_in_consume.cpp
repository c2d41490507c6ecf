#include "consume/consumer.hpp"

namespace deltadrop::consume {

class Consumer::State {};

Consumer::~Consumer() = default;
Health Consumer::health() { return {}; }
std::uint64_t Consumer::progress() const { return 0; }
std::uint64_t Consumer::wait_for_progress(std::uint64_t, std::chrono::steady_clock::time_point) { return 0; }

}  // namespace deltadrop::consume
