#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <latch>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/raw_client.hpp"
#include "test_server.hpp"

// Tests requests whose client disconnects or whose server stops.
namespace deltadrop::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::RawClient;

/// A handler that works until it is told to stop. Records the reason and the logged statuses.
class LongWork {
 public:
  Route route() {
    return get("/work", [this](const Request& request) {
      change([this] { begun_ = true; });
      while (!request.stop.requested()) std::this_thread::yield();
      const auto why = request.stop.check().error();
      change([&] { reason_ = why.type; });
      return problem(why);
    });
  }
  ServerOptions options() {
    ServerOptions options;
    options.on_served = [this](const Served& served) { change([&] { statuses_.push_back(served.status); }); };
    return options;
  }

  bool wait_begun() {
    return wait([this] { return begun_; });
  }
  std::string wait_reason() {
    wait([this] { return !reason_.empty(); });
    const std::lock_guard lock(mutex_);
    return reason_;
  }
  std::vector<unsigned> wait_statuses(std::size_t count) {
    wait([=, this] { return statuses_.size() >= count; });
    const std::lock_guard lock(mutex_);
    return statuses_;
  }

 private:
  template <class Edit>
  void change(const Edit& edit) {
    const std::lock_guard lock(mutex_);
    edit();
    changed_.notify_all();
  }
  template <class Done>
  bool wait(const Done& done) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, done);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool begun_ = false;
  std::string reason_;
  std::vector<unsigned> statuses_;
};

constexpr std::string_view kWork = "GET /work HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::string_view kEcho = "GET /echo/next HTTP/1.1\r\nHost: x\r\n\r\n";

TEST(HttpDeparture, EndsTheWorkOnARequest) {
  LongWork work;
  TestServer server({work.route()}, work.options());
  auto client = std::make_unique<RawClient>(server.address);
  client->send(kWork);
  ASSERT_TRUE(work.wait_begun());
  client.reset();
  EXPECT_EQ(work.wait_reason(), "client-gone");
  // The client did not receive the response.
  EXPECT_EQ(work.wait_statuses(1), std::vector<unsigned>{499});
}

TEST(HttpDeparture, IsDetectedDespiteUnreadBytes) {
  LongWork work;
  TestServer server({work.route()}, work.options());
  auto client = std::make_unique<RawClient>(server.address);
  client->send(std::string(kWork) + std::string(kEcho));
  ASSERT_TRUE(work.wait_begun());
  client.reset();
  EXPECT_EQ(work.wait_reason(), "client-gone");
}

TEST(HttpDeparture, IsDetectedWithoutConsumingTheNextRequest) {
  std::latch entered(1);
  std::latch go(1);
  TestServer server({get("/slow", [&](const Request& request) {
    entered.count_down();
    go.wait();
    return text_response(request.stop.requested() ? "stopped" : "done");
  })});
  RawClient client(server.address);
  client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  entered.wait();
  client.send(kEcho);
  go.count_down();
  EXPECT_EQ(client.read_response().body, "done");
  EXPECT_EQ(client.read_response().body, "next");
}

TEST(HttpDeparture, OfOneClientDoesNotEndTheWorkOfAnother) {
  LongWork work;
  std::latch entered(1);
  std::latch go(1);
  TestServer server({work.route(), get("/slow",
                                       [&](const Request& request) {
                                         entered.count_down();
                                         go.wait();
                                         return text_response(request.stop.requested() ? "stopped" : "done");
                                       })},
                    work.options());
  RawClient stays(server.address);
  stays.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  entered.wait();
  auto goes = std::make_unique<RawClient>(server.address);
  goes->send(kWork);
  ASSERT_TRUE(work.wait_begun());
  goes.reset();
  EXPECT_EQ(work.wait_reason(), "client-gone");
  go.count_down();
  EXPECT_EQ(stays.read_response().body, "done");
}

TEST(HttpServerEnd, StopsTheRemainingWork) {
  LongWork work;
  TestServer server({work.route()}, work.options());
  RawClient client(server.address);
  client.send(kWork);
  ASSERT_TRUE(work.wait_begun());
  std::atomic<bool> overdue = false;
  server.server->stop(milliseconds(50), [&] { overdue = true; });
  EXPECT_TRUE(overdue.load());
  EXPECT_EQ(work.wait_reason(), "shutting-down");
  EXPECT_EQ(client.read_response().status, 503);
  EXPECT_EQ(work.wait_statuses(1), std::vector<unsigned>{503});
}

TEST(HttpServerEnd, LogsAResponseThatWasNotReceived) {
  LongWork work;
  auto options = work.options();
  TestServer server({get("/large",
                         [](const Request&) {
                           Response response;
                           response.stream = [] { return Result<std::string>(std::string(1 << 20, 'x')); };
                           return response;
                         })},
                    options);
  RawClient client(server.address);
  client.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_FALSE(client.read_some(1).empty());  // do not read any further
  server.server->stop(milliseconds(50));
  EXPECT_EQ(work.wait_statuses(1), std::vector<unsigned>{499});
}

}  // namespace
}  // namespace deltadrop::http
