#pragma once

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "http/server.hpp"

namespace deltadrop::http {

/// How long a test waits for an expected event.
inline constexpr std::chrono::seconds kPatience{20};

/// Counts the events of a server's sinks. A test can wait for them.
class SinkLog {
 public:
  void opened() {
    change([this] { ++opened_; });
  }
  void wrote(std::uint64_t bytes) {
    change([&] { bytes_ += bytes; });
  }
  void finished() {
    change([this] { ++finished_; });
  }
  void destroyed() {
    change([this] { ++destroyed_; });
  }

  bool wait_destroyed(int count) {
    return wait([=, this] { return destroyed_ >= count; });
  }
  bool wait_opened(int count) {
    return wait([=, this] { return opened_ >= count; });
  }
  bool wait_bytes(std::uint64_t bytes) {
    return wait([=, this] { return bytes_ >= bytes; });
  }
  int finished_count() {
    const std::lock_guard lock(mutex_);
    return finished_;
  }

 private:
  void change(const std::function<void()>& edit) {
    const std::lock_guard lock(mutex_);
    edit();
    changed_.notify_all();
  }
  bool wait(const std::function<bool()>& done) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), done);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int opened_ = 0;
  int finished_ = 0;
  int destroyed_ = 0;
  std::uint64_t bytes_ = 0;
};

/// Counts the bytes. Fails after `bytes_max` bytes.
class CountingSink final : public BodySink {
 public:
  CountingSink(SinkLog& log, std::uint64_t bytes_max) : log_(log), bytes_max_(bytes_max) { log_.opened(); }
  ~CountingSink() override { log_.destroyed(); }
  Result<void> write(std::span<const std::byte> bytes) override {
    bytes_ += bytes.size();
    log_.wrote(bytes.size());
    if (bytes_ <= bytes_max_) return success();
    return Error{ErrorCode::invalid_input, "too-large", "the file is too large", "split it"};
  }
  void finish(Respond respond) override {
    log_.finished();
    Response response;
    response.body = fmt::format("{{\"bytes\":{}}}", bytes_);
    respond(std::move(response));
  }

 private:
  SinkLog& log_;
  std::uint64_t bytes_max_;
  std::uint64_t bytes_ = 0;
};

/// For the routes of servers whose gate is not tested.
inline constexpr Access kAnyAccess{AllowedTo::readers, Scope::no_company};

inline Route get(std::string pattern, std::function<Response(const Request&)> handle) {
  Route route{"GET", std::move(pattern), kAnyAccess};
  route.handle = std::move(handle);
  return route;
}

inline Route post_to_sink(std::string pattern,
                          std::function<Result<std::unique_ptr<BodySink>>(const Request&)> receive) {
  Route route{"POST", std::move(pattern), kAnyAccess, Work::receiving};
  route.receive = std::move(receive);
  return route;
}

inline Response text_response(std::string text) {
  Response response;
  response.content_type = "text/plain";
  response.body = std::move(text);
  return response;
}

/// A server on a free port with GET /health, GET /echo/{}, POST /sink and the given routes.
class TestServer {
 public:
  explicit TestServer(std::vector<Route> more = {}, ServerOptions options = {},
                      std::uint64_t bytes_max = UINT64_MAX) {
    spdlog::set_level(spdlog::level::err);  // do not log the requests of these tests
    options.port = 0;
    more.push_back(get("/health", [](const Request&) { return text_response("UP"); }));
    more.push_back(
        get("/echo/{}", [](const Request& request) { return text_response(request.parameters[0]); }));
    more.push_back(post_to_sink("/sink", [this, bytes_max](const Request& request) {
      using Made = Result<std::unique_ptr<BodySink>>;
      if (request.header("x-refuse")) {
        return Made(Error{ErrorCode::invalid_input, "not-multipart", "no form", "send one"});
      }
      return Made(std::make_unique<CountingSink>(sinks, bytes_max));
    }));
    server = std::move(Server::listen(options, std::move(more))).value();
    address = server->address();
  }

  SinkLog sinks;
  std::unique_ptr<Server> server;
  std::string address;
};

}  // namespace deltadrop::http
