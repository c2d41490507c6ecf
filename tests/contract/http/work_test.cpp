// Tests that each kind of work has its own threads and queue, and that waiting for others occupies no thread.

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "support/raw_client.hpp"
#include "test_server.hpp"

namespace deltadrop::http {
namespace {

using test::fetch;
using test::RawClient;

/// Holds handlers until it is opened.
class Barrier {
 public:
  void stand() {
    std::unique_lock lock(mutex_);
    ++standing_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool wait_for_standing(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return standing_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int standing_ = 0;
  bool open_ = false;
};

/// Collects the `Respond` functions of requests, so that a test responds itself.
class Waiting {
 public:
  void keep(Respond respond) {
    const std::lock_guard lock(mutex_);
    kept_.push_back(std::move(respond));
    changed_.notify_all();
  }
  std::vector<Respond> take(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return kept_.size() >= count; });
    return std::exchange(kept_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Respond> kept_;
};

Route of_kind(Work work, const std::string& pattern, std::function<Response(const Request&)> handle) {
  auto route = get(pattern, std::move(handle));
  route.work = work;
  return route;
}

Route later(const std::string& pattern, Waiting& waiting) {
  Route route{"GET", pattern, kAnyAccess, Work::change};
  route.begin = [&waiting](const Request&, Respond respond) { waiting.keep(std::move(respond)); };
  return route;
}

ServerOptions with_pool(Work work, PoolSize size) {
  ServerOptions options;
  options.pools[static_cast<std::size_t>(work)] = size;
  return options;
}

std::unique_ptr<RawClient> asking(const std::string& address, const std::string& path) {
  auto client = std::make_unique<RawClient>(address);
  EXPECT_TRUE(client->send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"));
  return client;
}

TEST(HttpWork, AStuckKindDelaysNoOther) {
  Barrier frozen;
  constexpr int kThreads = 2;
  constexpr int kWaiting = 3;
  const auto stands = [&frozen](const Request&) {
    frozen.stand();
    return text_response("at last");
  };
  TestServer server(
      {of_kind(Work::history, "/history", stands),
       of_kind(Work::health, "/healthy", [](const Request&) { return text_response("fine"); }),
       of_kind(Work::catalog, "/catalog", [](const Request&) { return text_response("list"); })},
      with_pool(Work::history, {kThreads, kWaiting}));
  std::vector<std::unique_ptr<RawClient>> readers;
  for (int i = 0; i < kThreads; ++i) readers.push_back(asking(server.address, "/history"));
  ASSERT_TRUE(frozen.wait_for_standing(kThreads));
  // Of one request more than may wait, one gets 503. It does not matter which.
  std::vector<std::future<test::RawResponse>> rest;
  for (int i = 0; i <= kWaiting; ++i) {
    rest.push_back(std::async(std::launch::async, [&] { return fetch(server.address, "GET", "/history"); }));
  }
  std::size_t refused_at = rest.size();
  while (refused_at == rest.size()) {
    for (std::size_t i = 0; i < rest.size(); ++i) {
      if (rest[i].wait_for(std::chrono::milliseconds(1)) == std::future_status::ready) refused_at = i;
    }
  }
  const auto refused = rest[refused_at].get();
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(refused.body.find("/problems/too-busy"), std::string::npos) << refused.body;
  EXPECT_FALSE(refused.header("retry-after").empty());
  EXPECT_EQ(fetch(server.address, "GET", "/healthy").body, "fine");
  EXPECT_EQ(fetch(server.address, "GET", "/catalog").body, "list");
  EXPECT_EQ(fetch(server.address, "POST", "/sink", "", "some").body, "{\"bytes\":4}");
  frozen.open();
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (i != refused_at) {
      EXPECT_EQ(rest[i].get().body, "at last");
    }
  }
  for (auto& reader : readers) EXPECT_EQ(reader->read_response().body, "at last");
}

TEST(HttpWork, PiecesFromAStuckHistoryDelayNoFiles) {
  Barrier frozen;
  const auto streams = [](std::function<void()> before_piece) {
    return [before_piece = std::move(before_piece)](const Request&) {
      Response response;
      response.stream = [before_piece, given = std::make_shared<bool>(false)]() -> Result<std::string> {
        before_piece();
        return std::exchange(*given, true) ? std::string() : std::string("a piece");
      };
      return response;
    };
  };
  TestServer server({of_kind(Work::history, "/export", streams([&frozen] { frozen.stand(); })),
                     of_kind(Work::catalog, "/file", streams([] {}))},
                    with_pool(Work::history_piece, {1, 1}));
  const auto stuck = asking(server.address, "/export");
  ASSERT_TRUE(frozen.wait_for_standing(1));
  EXPECT_EQ(fetch(server.address, "GET", "/file").body, "a piece");
  frozen.open();
  EXPECT_EQ(stuck->read_response().body, "a piece");
}

TEST(HttpWork, NoneWaitsForNothing) {
  Barrier frozen;
  ServerOptions options;
  for (auto& pool : options.pools) pool = {1, 1};
  options.gate = [&frozen](const Request&) -> std::optional<Response> {
    frozen.stand();
    return std::nullopt;
  };
  TestServer server({of_kind(Work::none, "/live", [](const Request&) { return text_response("alive"); })},
                    options);
  const auto stuck = asking(server.address, "/health");
  ASSERT_TRUE(frozen.wait_for_standing(1));
  EXPECT_EQ(fetch(server.address, "GET", "/live").body, "alive");
  frozen.open();
  EXPECT_EQ(stuck->read_response().body, "UP");
}

TEST(HttpWork, ALaterResponseOccupiesNoThread) {
  Waiting waiting;
  TestServer server({later("/later", waiting)}, with_pool(Work::change, {1, 1}));
  constexpr std::size_t kClients = 50;
  std::vector<std::unique_ptr<RawClient>> clients;
  std::vector<Respond> responds;
  for (std::size_t i = 0; i < kClients; ++i) {
    clients.push_back(asking(server.address, "/later"));
    auto taken = waiting.take(1);
    ASSERT_EQ(taken.size(), 1U) << "client " << i << " waits for earlier clients";
    responds.push_back(std::move(taken.front()));
  }
  for (std::size_t i = kClients; i-- > 0;) {
    responds[i](text_response(std::to_string(i)));
    responds[i](text_response("once more, which is dropped"));
    EXPECT_EQ(clients[i]->read_response().body, std::to_string(i));
  }
}

TEST(HttpWork, AForgottenResponseIs500) {
  Waiting waiting;
  TestServer server({later("/later", waiting)});
  const auto client = asking(server.address, "/later");
  waiting.take(1).clear();
  EXPECT_EQ(client->read_response().status, 500);
}

TEST(HttpWork, StopDoesNotWaitForeverForAResponse) {
  Waiting waiting;
  std::vector<Respond> responds;
  {
    TestServer server({later("/later", waiting)});
    const auto client = asking(server.address, "/later");
    responds = waiting.take(1);
    ASSERT_EQ(responds.size(), 1U);
    server.server->stop(std::chrono::milliseconds(1));
    EXPECT_TRUE(client->closed_by_server());
  }
  responds.front()(text_response("too late, and nobody is there"));
}

}  // namespace
}  // namespace deltadrop::http
