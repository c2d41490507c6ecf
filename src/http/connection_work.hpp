#pragma once

#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "core/exhausted.hpp"
#include "http/access_log.hpp"
#include "http/connection_names.hpp"
#include "http/message.hpp"
#include "http/worker_pool.hpp"

/// How a connection's coroutine, on the network thread, waits for what is done elsewhere. For .cpp files.
namespace deltadrop::http {

/// Runs `work` on the pool; the awaiting coroutine goes on, on its own executor, with what it returned.
template <class Job>
asio::awaitable<std::invoke_result_t<Job&>> run_on(WorkerPool& pool, Job work) {
  using Value = std::invoke_result_t<Job&>;
  return asio::async_initiate<const asio::use_awaitable_t<>, void(Value)>(
      [&pool](auto handler, Job job) {
        auto network =
            asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
        using Call = std::pair<decltype(handler), Job>;
        const auto call = std::make_shared<Call>(std::move(handler), std::move(job));
        pool.add([call, network] {
          asio::post(network, [handler = std::move(call->first), value = call->second()]() mutable {
            std::move(handler)(std::move(value));
          });
        });
      },
      asio::use_awaitable, std::move(work));
}

/// Catch-all around what routes do: nothing they throw may end the process.
template <class Value, class Job>
Value guarded(Job work) {
  std::optional<Error> error;
  try {
    return work();
  } catch (const std::exception& failure) {
    log_trouble(failure.what());
    error = exhausted(failure);
  } catch (...) {
    log_trouble("a handler threw something that is no exception");
  }
  // Made only now: before the work there may be no memory for it, and afterwards there is what the work gave
  // back.
  if (!error) {
    error.emplace(Error{ErrorCode::internal, "handler-failed", "the request met an unexpected fault",
                        "see the server's log"});
  }
  if constexpr (std::is_same_v<Value, Response> || std::is_same_v<Value, std::optional<Response>>) {
    return problem(*error);
  } else {
    return Value(std::move(*error));
  }
}

/// A response that is given later, from any thread, while a connection waits for it and holds no thread.
/// Outlives the server where whoever is to respond does.
class LaterResponse : public std::enable_shared_from_this<LaterResponse> {
 public:
  explicit LaterResponse(asio::io_context& network) : network_(network) {}

  /// What routes are given.
  Respond respond();
  /// Nothing where it was given up. On the network thread, once.
  asio::awaitable<std::optional<Response>> wait();
  /// Ends the wait; what is responded later is dropped. On the network thread.
  void give_up();

 private:
  void take(Response response);
  bool has_ended();

  asio::io_context& network_;  ///< not used once it has ended
  std::mutex mutex_;
  bool ended_ = false;
  std::optional<Response> response_;
  asio::steady_timer* waiting_ = nullptr;  ///< belongs to the network thread
};

}  // namespace deltadrop::http
