#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "access/gate.hpp"
#include "access/keys.hpp"
#include "http/problem.hpp"
#include "io/clock.hpp"
#include "io/file.hpp"
#include "support/raw_client.hpp"
#include "support/temporary_folder.hpp"
#include "test_server.hpp"

namespace deltadrop::http {
namespace {

constexpr std::string_view kGet = " HTTP/1.1\r\nHost: x\r\n\r\n";

/// A live body that sends the lines that a test prints, and optionally a farewell, "last: <problem>".
class Feed final : public LiveBody {
 public:
  /// The state that the test and the body share.
  struct Desk {
    std::mutex mutex;
    std::condition_variable read;
    std::function<void()> wake;
    const void* owner = nullptr;  ///< the body that set `wake`
    std::string text = "hello\n";

    void print(const std::string& line) {
      const std::lock_guard lock(mutex);
      text += line;
      if (wake) wake();
    }
    bool wait_until_read() {
      std::unique_lock lock(mutex);
      return read.wait_for(lock, std::chrono::seconds(20), [this] { return text.empty(); });
    }
  };

  Feed(Desk& desk, bool says_farewell) : desk_(desk), says_farewell_(says_farewell) {}
  ~Feed() override {
    const std::lock_guard lock(desk_.mutex);
    if (desk_.owner == this) desk_.wake = nullptr;
  }
  Result<std::string> next() override {
    const std::lock_guard lock(desk_.mutex);
    desk_.read.notify_all();
    return std::exchange(desk_.text, {});
  }
  void on_news(std::function<void()> wake) override {
    const std::lock_guard lock(desk_.mutex);
    desk_.wake = std::move(wake);
    desk_.owner = this;
  }
  [[nodiscard]] std::string_view heartbeat() const override { return "beat\n"; }
  [[nodiscard]] std::optional<std::chrono::milliseconds> time_max() const override { return std::nullopt; }
  [[nodiscard]] std::string farewell(std::string_view problem_json) const override {
    return says_farewell_ ? "last: " + std::string(problem_json) + "\n" : std::string();
  }

 private:
  Desk& desk_;
  bool says_farewell_;
};

/// Returns the raw bytes up to the end of the connection.
std::string rest_of(test::RawClient& client) {
  std::string rest;
  for (auto piece = client.read_some(4096); !piece.empty(); piece = client.read_some(4096)) rest += piece;
  return rest;
}

/// A server whose gate can be closed while it sends responses.
class GateAskedAgain : public ::testing::Test {
 protected:
  static constexpr std::size_t kPieceBytes = std::size_t{64} << 10;
  static constexpr std::uint64_t kPieces = 1'000;

  GateAskedAgain() {
    options.gate_interval = std::chrono::milliseconds(0);
    options.heartbeat = std::chrono::hours(1);
    options.gate = [this](Request& request) -> std::optional<Response> {
      ++asked;
      request.key = KeyIdentity{"1a2b3c4d", "SO, finance", {}};
      if (open) return std::nullopt;
      return problem({ErrorCode::invalid_input, "key-needed", "the key was revoked", "send another"});
    };
  }

  void start() {
    std::vector<Route> routes = {
        get("/feed", [this](const Request&) { return live(true); }),
        get("/mute", [this](const Request&) { return live(false); }),
        get("/chunked", [this](const Request&) { return download(std::nullopt); }),
        get("/sized", [this](const Request&) { return download(kPieces * kPieceBytes); })};
    served.emplace(std::move(routes), options);
  }
  Response live(bool says_farewell) {
    Response response;
    response.content_type = "text/plain";
    response.live = std::make_shared<Feed>(desk, says_farewell);
    return response;
  }
  /// Streams kPieces pieces. Closes the gate after the tenth if closes_while_sending.
  Response download(std::optional<std::uint64_t> bytes) {
    Response response;
    response.content_type = "text/plain";
    response.stream_bytes = bytes;
    response.stream = [this, given = std::uint64_t{0}]() mutable -> Result<std::string> {
      if (++given > kPieces) return std::string();
      pieces_given = given;
      if (closes_while_sending && given == 10) open = false;
      return std::string(kPieceBytes, 'x');
    };
    return response;
  }

  ServerOptions options;
  std::atomic<bool> open = true;
  std::atomic<bool> closes_while_sending = true;
  std::atomic<int> asked = 0;
  std::atomic<std::uint64_t> pieces_given = 0;
  Feed::Desk desk;
  std::optional<TestServer> served;  ///< last, because it uses the other members
};

TEST_F(GateAskedAgain, EndsALiveBodyBeforeItsNextPieceWithTheReason) {
  start();
  test::RawClient client(served->address);
  client.send("GET /feed" + std::string(kGet));
  desk.print("first\n");
  desk.print("second\n");
  ASSERT_TRUE(desk.wait_until_read());
  open = false;
  desk.print("secret\n");
  const auto response = client.read_response();
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.whole);
  EXPECT_EQ(response.body.find("secret"), std::string::npos) << response.body;
  const auto last = response.body.find("last: {\"type\":\"/problems/key-needed\"");
  ASSERT_NE(last, std::string::npos) << response.body;
  EXPECT_NE(response.body.find("the key was revoked", last), std::string::npos) << response.body;
  EXPECT_EQ(response.body.find('\n', last), response.body.size() - 1) << "the problem is one line";
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(GateAskedAgain, EndsASilentLiveBodyWithItsHeartbeat) {
  options.heartbeat = std::chrono::milliseconds(20);
  start();
  test::RawClient client(served->address);
  client.send("GET /feed" + std::string(kGet));
  ASSERT_TRUE(says(client, "beat\n"));
  open = false;
  const auto rest = rest_of(client);
  EXPECT_NE(rest.find("last: "), std::string::npos) << rest;
  EXPECT_TRUE(rest.ends_with("\r\n0\r\n\r\n")) << rest;
}

TEST_F(GateAskedAgain, CutsOffALiveBodyWithoutAFarewell) {
  start();
  test::RawClient client(served->address);
  client.send("GET /mute" + std::string(kGet));
  ASSERT_TRUE(says(client, "hello\n"));
  open = false;
  desk.print("secret\n");
  EXPECT_TRUE(client.closed_by_server()) << "without a last chunk, which would make the body look complete";
}

TEST_F(GateAskedAgain, CutsADownloadShort) {
  start();
  for (const std::string target : {"/chunked", "/sized"}) {
    open = true;
    test::RawClient client(served->address);
    client.send("GET " + target + std::string(kGet));
    const auto response = client.read_response();
    EXPECT_EQ(response.status, 200);
    EXPECT_FALSE(response.whole) << target;
    EXPECT_LE(response.body.size(), 9 * kPieceBytes) << "no piece from after the gate closed";
    EXPECT_EQ(pieces_given, 10U) << target;
  }
}

TEST_F(GateAskedAgain, ResetsADownloadThatEndsWithTheConnection) {
  start();
  test::RawClient client(served->address);
  client.send("GET /chunked HTTP/1.0\r\nHost: x\r\n\r\n");
  EXPECT_FALSE(client.ends_in_peace());
  EXPECT_EQ(pieces_given, 10U);
}

TEST_F(GateAskedAgain, LetsAResponseContinueWhileOpen) {
  closes_while_sending = false;
  start();
  const auto response = test::fetch(served->address, "GET", "/sized");
  EXPECT_TRUE(response.whole);
  EXPECT_EQ(response.body.size(), kPieces * kPieceBytes);
  EXPECT_GE(asked, static_cast<int>(kPieces));
}

TEST_F(GateAskedAgain, IsNotAskedMoreOftenThanItsInterval) {
  options.gate_interval = std::chrono::hours(1);
  start();
  EXPECT_TRUE(test::fetch(served->address, "GET", "/sized").whole) << "the gate closed between two checks";
  EXPECT_EQ(asked, 1);
}

/// A server with a live body that requires a key of a keys file.
class KeyAskedForAgain : public ::testing::Test {
 protected:
  KeyAskedForAgain() {
    access::GateOptions gate;
    gate.keys = std::make_shared<access::KeyRing>(access::KeysPaths{file, folder.path() / "keys-required"});
    ServerOptions options;
    options.gate_interval = std::chrono::milliseconds(0);
    options.gate = access::make_gate(std::move(gate), clock);
    Route route = get("/api/v1/events/stream", [this](const Request&) {
      Response response;
      response.live = std::make_shared<Feed>(desk, true);
      return response;
    });
    served.emplace(std::vector<Route>{std::move(route)}, options);
  }

  std::string make_key(std::optional<Timestamp> expires_at = {}) {
    return access::create_key(
               file, {.role = access::Role::read, .companies = {}, .expires_at = expires_at, .name = {}},
               clock.now())
        .value()
        .secret;
  }
  std::unique_ptr<test::RawClient> follow(const std::string& key) {
    auto client = std::make_unique<test::RawClient>(served->address);
    client->send("GET /api/v1/events/stream HTTP/1.1\r\nHost: x\r\nX-API-Key: " + key + "\r\n\r\n");
    desk.print("while it holds\n");
    EXPECT_TRUE(says(*client, "while it holds\n\r\n")) << "the gate accepted the request";
    return client;
  }
  /// Prints another line and returns the rest of the response, which must be complete.
  std::string ended(test::RawClient& client) {
    desk.print("secret\n");
    const auto rest = rest_of(client);
    EXPECT_EQ(rest.find("secret"), std::string::npos) << rest;
    EXPECT_TRUE(rest.ends_with("\r\n0\r\n\r\n")) << rest;
    return rest;
  }

  deltadrop::testing::TemporaryFolder folder;
  std::filesystem::path file = folder.path() / "keys";
  io::ManualClock clock{Timestamp::parse("2025-06-01T12:00:00Z").value()};
  Feed::Desk desk;
  std::optional<TestServer> served;
};

::testing::AssertionResult has(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << text << "\n has no " << part;
}

TEST_F(KeyAskedForAgain, EndsTheStreamOnceItIsRevoked) {
  const auto key = make_key();
  const auto other = make_key();
  const auto client = follow(key);
  ASSERT_TRUE(access::revoke_key(file, key.substr(3, 8), clock.now()).has_value());
  const auto id = key.substr(3, 8);
  EXPECT_TRUE(has(ended(*client), "the key " + id + " was revoked at 2025-06-01T12:00:00.000Z"));
  EXPECT_EQ(test::fetch(served->address, "GET", "/health", "X-API-Key: " + other + "\r\n").status, 200);
}

TEST_F(KeyAskedForAgain, EndsTheStreamOnceItHasExpired) {
  const auto key = make_key(clock.now().plus_ms(5'000));
  const auto client = follow(key);
  clock.advance_ms(5'000);
  EXPECT_TRUE(has(ended(*client), "the key " + key.substr(3, 8) + " expired at 2025-06-01T12:00:05.000Z"));
}

TEST_F(KeyAskedForAgain, EndsTheStreamOnceItHasAnotherRole) {
  const auto key = make_key();
  const auto client = follow(key);
  auto text = io::read_whole_file(file).value();
  text.replace(text.find("\tread\t"), 6, "\tupload\t");
  ASSERT_TRUE(io::write_file_durably(file, text).has_value());
  EXPECT_TRUE(has(ended(*client), "/problems/not-allowed"));
}

TEST_F(KeyAskedForAgain, EndsTheStreamOnceTheFileIsGoneOrDamaged) {
  const auto key = make_key();
  const auto text = io::read_whole_file(file).value();
  const auto first = follow(key);
  ASSERT_TRUE(io::write_file_durably(file, "nonsense\n").has_value());
  EXPECT_TRUE(has(ended(*first), "/problems/bad-keys-file"));
  ASSERT_TRUE(io::write_file_durably(file, text).has_value());
  const auto second = follow(key);
  ASSERT_TRUE(io::remove_file(file).has_value());
  EXPECT_TRUE(has(ended(*second), "/problems/keys-missing"));
}

TEST_F(KeyAskedForAgain, ExplainsAKeyOnlyToItsHolder) {
  auto key = make_key();
  ASSERT_TRUE(access::revoke_key(file, key.substr(3, 8), clock.now()).has_value());
  const auto says = [&](const std::string& shown) {
    return test::fetch(served->address, "GET", "/health", "X-API-Key: " + shown + "\r\n").body;
  };
  EXPECT_TRUE(has(says(key), "was revoked at"));
  EXPECT_TRUE(has(says(key.substr(0, 20)), "this server does not know the key"));
}

}  // namespace
}  // namespace deltadrop::http
