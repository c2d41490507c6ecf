#include "http/connection_work.hpp"

namespace deltadrop::http {
namespace {

/// Guarantees a response: if all copies of a `Respond` are destroyed first, it responds with a 500.
class LastWord {
 public:
  explicit LastWord(std::function<void(Response)> take) : take_(std::move(take)) {}
  LastWord(const LastWord&) = delete;
  LastWord& operator=(const LastWord&) = delete;
  ~LastWord() {
    take_(problem({ErrorCode::internal, "handler-failed", "the request was dropped without a response",
                   "report this bug; send the request again"}));
  }
  void say(Response response) const { take_(std::move(response)); }

 private:
  std::function<void(Response)> take_;
};

}  // namespace

Respond LaterResponse::respond() {
  const auto last_word = std::make_shared<const LastWord>(
      [self = shared_from_this()](Response response) { self->take(std::move(response)); });
  return [last_word](Response response) { last_word->say(std::move(response)); };
}

void LaterResponse::take(Response response) {
  const std::lock_guard lock(mutex_);
  if (ended_) return;
  ended_ = true;
  response_ = std::move(response);
  // The connection still waits, so network_ exists.
  asio::post(network_, [self = shared_from_this()] {
    if (self->waiting_ != nullptr) self->waiting_->cancel();
  });
}

void LaterResponse::give_up() {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    ended_ = true;
  }
  if (waiting_ != nullptr) waiting_->cancel();
}

bool LaterResponse::has_ended() {
  const std::lock_guard lock(mutex_);
  return ended_;
}

asio::awaitable<std::optional<Response>> LaterResponse::wait() {
  asio::steady_timer timer(network_, asio::steady_timer::time_point::max());
  waiting_ = &timer;
  while (!has_ended()) {
    auto [ended] = co_await timer.async_wait(kTuple);
    static_cast<void>(ended);
  }
  waiting_ = nullptr;
  co_return std::move(response_);
}

}  // namespace deltadrop::http
