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

/// Lets a connection's coroutine, on the network thread, wait for work on other threads. For .cpp files.
namespace deltadrop::http {

/// Runs `work` on the pool. The awaiting coroutine continues on its own executor with the returned value.
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

/// Catches everything that a route throws, so that it cannot end the process.
template <class Value, class Job>
Value guarded(Job work) {
  std::optional<Error> error;
  try {
    return work();
  } catch (const std::exception& failure) {
    log_trouble(failure.what());
    error = exhausted(failure);
  } catch (...) {
    log_trouble("a handler threw an object that is not an exception");
  }
  // Build the error only now: the stack unwinding has freed the memory that the work used.
  if (!error) {
    error.emplace(Error{ErrorCode::internal, "handler-failed", "the request failed unexpectedly",
                        "see the server's log"});
  }
  if constexpr (std::is_same_v<Value, Response> || std::is_same_v<Value, std::optional<Response>>) {
    return problem(*error);
  } else {
    return Value(std::move(*error));
  }
}

/// A response that any thread may provide later. The connection that waits for it occupies no thread. It may
/// outlive the server if the responder does.
class LaterResponse : public std::enable_shared_from_this<LaterResponse> {
 public:
  explicit LaterResponse(asio::io_context& network) : network_(network) {}

  /// Returns the function that a route calls with its response.
  Respond respond();
  /// Waits for the response. Returns nothing after give_up. Call it once, on the network thread.
  asio::awaitable<std::optional<Response>> wait();
  /// Ends the wait and drops a later response. Call it on the network thread.
  void give_up();

 private:
  void take(Response response);
  bool has_ended();

  asio::io_context& network_;  ///< not used after the wait has ended
  std::mutex mutex_;
  bool ended_ = false;
  std::optional<Response> response_;
  asio::steady_timer* waiting_ = nullptr;  ///< used only by the network thread
};

}  // namespace deltadrop::http
