#include "http/connection_gate.hpp"

#include <utility>

#include "http/connection_names.hpp"
#include "http/connection_work.hpp"

namespace deltadrop::http {
namespace {

asio::awaitable<std::optional<Response>> at_once(std::optional<Response> response) { co_return response; }

}  // namespace

asio::awaitable<std::optional<Response>> ConnectionGate::ask(Work work) {
  const Work gate_work = work == Work::health ? Work::health : Work::access;
  if (auto full = refuse_if_full(shared_, gate_work)) return at_once(std::move(full));
  asked_at_ = Clock::now();
  return run(gate_work);
}

bool ConnectionGate::is_due() const {
  return asked_at_ && Clock::now() - *asked_at_ >= shared_.options.gate_interval;
}

asio::awaitable<std::optional<Response>> ConnectionGate::ask_again() {
  asked_at_ = Clock::now();
  auto refusal = co_await run(Work::access);
  has_ended_response_ = refusal.has_value();
  co_return refusal;
}

asio::awaitable<std::optional<Response>> ConnectionGate::run(Work work) {
  return run_on(shared_.pool(work), [this]() -> std::optional<Response> {
    return guarded<std::optional<Response>>([this] { return shared_.options.gate(request_); });
  });
}

}  // namespace deltadrop::http
