#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <latch>
#include <mutex>
#include <thread>

#include "support/raw_client.hpp"
#include "test_server.hpp"

namespace deltadrop::http {
namespace {

/// Distributes texts to the live bodies and counts them.
class Newsroom {
 public:
  struct Reader {
    std::function<void()> wake;
    std::deque<std::string> says;
    std::optional<Error> fails;
  };

  void print(const std::string& text) {
    const std::lock_guard lock(mutex_);
    for (auto* reader : readers_) {
      reader->says.push_back(text);
      reader->wake();
    }
  }
  void fail() {
    const std::lock_guard lock(mutex_);
    for (auto* reader : readers_) {
      reader->fails = Error{ErrorCode::unavailable, "gone", "the history is gone", "wait"};
      reader->wake();
    }
  }
  bool wait_for_readers(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return readers_.size() == count; });
  }

  void add(Reader* reader) {
    const std::lock_guard lock(mutex_);
    readers_.push_back(reader);
    changed_.notify_all();
  }
  void remove(Reader* reader) {
    const std::lock_guard lock(mutex_);
    std::erase(readers_, reader);
    changed_.notify_all();
  }
  Result<std::string> next(Reader& reader) {
    const std::lock_guard lock(mutex_);
    if (reader.fails) return *reader.fails;
    if (reader.says.empty()) return std::string();
    auto text = std::move(reader.says.front());
    reader.says.pop_front();
    return text;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Reader*> readers_;
};

class NewsBody final : public LiveBody {
 public:
  NewsBody(Newsroom& room, std::optional<std::chrono::milliseconds> time_max)
      : room_(room), time_max_(time_max) {
    reader_.says.emplace_back("hello\n");
  }
  ~NewsBody() override { room_.remove(&reader_); }
  Result<std::string> next() override { return room_.next(reader_); }
  void on_news(std::function<void()> wake) override {
    reader_.wake = std::move(wake);
    room_.add(&reader_);
  }
  [[nodiscard]] std::string_view heartbeat() const override { return "beat\n"; }
  [[nodiscard]] std::optional<std::chrono::milliseconds> time_max() const override { return time_max_; }

 private:
  Newsroom& room_;
  std::optional<std::chrono::milliseconds> time_max_;
  Newsroom::Reader reader_;
};

class LiveBodies : public ::testing::Test {
 protected:
  void start(ServerOptions options = {}) {
    served.emplace(std::vector<Route>{get("/news",
                                          [this](const Request& request) {
                                            Response response;
                                            response.content_type = "text/plain";
                                            std::optional<std::chrono::milliseconds> time_max;
                                            if (request.query_value("short"))
                                              time_max = std::chrono::milliseconds(20);
                                            response.live = std::make_shared<NewsBody>(room, time_max);
                                            return response;
                                          })},
                   options);
  }
  std::unique_ptr<test::RawClient> follow(const std::string& target = "/news",
                                          const std::string& version = "1.1") {
    auto client = std::make_unique<test::RawClient>(served->address);
    client->send("GET " + target + " HTTP/" + version + "\r\nHost: x\r\n\r\n");
    return client;
  }

  Newsroom room;
  std::optional<TestServer> served;
};

TEST_F(LiveBodies, SendNewsAtOnce) {
  start();
  const auto client = follow();
  EXPECT_TRUE(says(*client, "hello\n"));
  room.print("first\n");
  EXPECT_TRUE(says(*client, "first\n"));
  room.print("second\n");
  room.print("third\n");
  EXPECT_TRUE(says(*client, "third\n"));
}

TEST_F(LiveBodies, SendHeartbeatsWithoutNews) {
  ServerOptions options;
  options.heartbeat = std::chrono::milliseconds(10);
  start(options);
  const auto client = follow();
  EXPECT_TRUE(says(*client, "hello\n"));
  EXPECT_TRUE(says(*client, "beat\n"));
  EXPECT_TRUE(says(*client, "beat\n"));
}

TEST_F(LiveBodies, EndCompleteWhenTheServerStops) {
  start();
  const auto client = follow();
  ASSERT_TRUE(room.wait_for_readers(1));
  served->server->stop(kPatience);
  const auto response = client->read_response();
  EXPECT_TRUE(response.whole);
  EXPECT_EQ(response.body, "hello\n");
  EXPECT_TRUE(room.wait_for_readers(0));
}

/// A live body that has no news and is never woken.
class SilentBody final : public LiveBody {
 public:
  Result<std::string> next() override { return std::string(); }
  void on_news(std::function<void()>) override {}
  [[nodiscard]] std::string_view heartbeat() const override { return "beat\n"; }
  [[nodiscard]] std::optional<std::chrono::milliseconds> time_max() const override { return std::nullopt; }
};

/// A stop wakes waiting bodies. This body starts to wait afterwards.
TEST_F(LiveBodies, EndCompleteIfTheyStartDuringAStop) {
  std::latch asked{1};
  std::latch woken{1};
  ServerOptions options;
  options.heartbeat = std::chrono::hours(1);
  TestServer stopping({get("/silent",
                           [&](const Request&) {
                             asked.count_down();
                             woken.wait();
                             Response response;
                             response.live = std::make_shared<SilentBody>();
                             return response;
                           })},
                      options);
  test::RawClient idle(stopping.address);
  idle.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_EQ(idle.read_response().body, "UP");
  test::RawClient client(stopping.address);
  client.send("GET /silent HTTP/1.1\r\nHost: x\r\n\r\n");
  asked.wait();
  std::thread stopper([&] { stopping.server->stop(std::chrono::seconds(5)); });
  EXPECT_TRUE(idle.closed_by_server()) << "the stop wakes idle connections";
  woken.count_down();
  EXPECT_TRUE(client.read_response().whole);
  stopper.join();
}

TEST_F(LiveBodies, EndCompleteAfterTheirMaximumTime) {
  start();
  const auto client = follow("/news?short=1");
  const auto response = client->read_response();
  EXPECT_TRUE(response.whole);
  EXPECT_EQ(response.body, "hello\n");
  // The connection is reusable.
  client->send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client->read_response().body, "UP");
}

TEST_F(LiveBodies, AreFreedWhenTheClientDisconnects) {
  start();
  auto client = follow();
  ASSERT_TRUE(says(*client, "hello\n"));
  ASSERT_TRUE(room.wait_for_readers(1));
  client.reset();
  EXPECT_TRUE(room.wait_for_readers(0)) << "at once, not with the next heartbeat";
}

TEST_F(LiveBodies, AreCutOffVisiblyOnFailure) {
  start();
  const auto client = follow();
  ASSERT_TRUE(says(*client, "hello\n")) << "a failure before the first piece would give a problem";
  room.fail();
  EXPECT_TRUE(client->closed_by_server()) << "without a last chunk, which would make the body look complete";
}

TEST_F(LiveBodies, OccupyNoWorker) {
  ServerOptions options;
  for (auto& pool : options.pools) pool.threads = 1;
  start(options);
  constexpr std::size_t kClients = 300;
  std::vector<std::unique_ptr<test::RawClient>> clients;
  for (std::size_t i = 0; i < kClients; ++i) clients.push_back(follow());
  for (auto& client : clients) ASSERT_TRUE(says(*client, "hello\n"));
  EXPECT_EQ(test::fetch(served->address, "GET", "/health").body, "UP");
  room.print("news\n");
  for (auto& client : clients) EXPECT_TRUE(says(*client, "news\n"));
}

TEST_F(LiveBodies, AreNotSentForAHead) {
  start();
  EXPECT_EQ(test::fetch(served->address, "HEAD", "/news").status, 200);
  EXPECT_TRUE(room.wait_for_readers(0));
}

}  // namespace
}  // namespace deltadrop::http
