#include <atomic>
#include <chrono>
#include <deque>

#include <boost/json.hpp>

#include "api/paging.hpp"
#include "api_fixture.hpp"

namespace deltadrop::api {
namespace {

struct Message {
  std::string id;
  std::string data;
  std::string type;  ///< "": "message"
};

/// Reads server-sent events like a browser.
class EventSource {
 public:
  EventSource(const std::string& address, const std::string& query, const std::string& headers = "")
      : client_(address) {
    client_.send("GET /api/v1/events/stream" + query + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n");
    std::string head;
    while (head.find("\r\n\r\n") == std::string::npos) head += client_.read_some(1);
    status_ = std::stoi(head.substr(9, 3));
  }

  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] const std::string& last_id() const { return last_id_; }

  /// Returns the seq of the next event, or -1 at the end.
  std::int64_t next_seq() {
    const auto message = next();
    return message ? boost::json::parse(message->data).at("seq").as_int64() : -1;
  }
  /// Returns the first id of the stream.
  std::string greeting() {
    while (last_id_.empty() && read_block()) {
    }
    return last_id_;
  }

  std::optional<Message> next() {
    while (messages_.empty()) {
      if (!read_block()) return std::nullopt;
    }
    auto message = std::move(messages_.front());
    messages_.pop_front();
    return message;
  }

 private:
  bool read_block() {
    while (text_.find("\n\n") == std::string::npos) {
      const auto line = read_line();
      if (!line) return false;
      std::string chunk;
      for (auto left = std::stoul(*line, nullptr, 16); chunk.size() < left + 2;) {
        const auto piece = client_.read_some(left + 2 - chunk.size());
        if (piece.empty()) return false;
        chunk += piece;
      }
      if (chunk.size() == 2) return false;
      text_ += chunk.substr(0, chunk.size() - 2);
    }
    take_block();
    return true;
  }

  void take_block() {
    const auto end = text_.find("\n\n");
    std::string block = text_.substr(0, end + 1);
    text_.erase(0, end + 2);
    std::string data;
    std::string type;
    while (!block.empty()) {
      const auto line = block.substr(0, block.find('\n'));
      block.erase(0, line.size() + 1);
      if (line.starts_with("id: ")) last_id_ = line.substr(4);
      if (line.starts_with("data: ")) data = line.substr(6);
      if (line.starts_with("event: ")) type = line.substr(7);
    }
    if (!data.empty()) messages_.push_back({last_id_, data, type});
  }

  std::optional<std::string> read_line() {
    std::string line;
    while (!line.ends_with("\r\n")) {
      const auto byte = client_.read_some(1);
      if (byte.empty()) return std::nullopt;
      line += byte;
    }
    return line;
  }

  test::RawClient client_;
  int status_ = 0;
  std::string text_;
  std::string last_id_;
  std::deque<Message> messages_;
};

class EventStreams : public Api {
 protected:
  explicit EventStreams(const http::ServerOptions& options = {}) : Api(options) {}

  void apply(int number, ChangeType type = ChangeType::insert) {
    history::AppliedEvent applied;
    applied.applied_no = AppliedNo(number);
    applied.event.type = type;
    applied.event.key_value = "k" + std::to_string(number);
    applied.event.new_values_json = R"({"id":"a\nb"})";
    applied.event.seq = Seq(number);
    applied.event.upload.table = {"acme", "financials"};
    const std::lock_guard lock(history.mutex);
    history.applied_events.push_back(applied);
  }
};

/// Event streams with a gate that is checked before each piece.
class GuardedEventStreams : public EventStreams {
 protected:
  GuardedEventStreams() : EventStreams(options()) {}

  static http::ServerOptions options() {
    revoked = false;
    http::ServerOptions options;
    options.gate_interval = std::chrono::milliseconds(0);
    options.gate = [](http::Request&) -> std::optional<http::Response> {
      if (!revoked) return std::nullopt;
      return http::problem({ErrorCode::invalid_input, "key-needed", "the key was revoked", "send another"});
    };
    return options;
  }

  inline static std::atomic<bool> revoked = false;
};

TEST_F(GuardedEventStreams, EndWithAnErrorEventWhenTheKeyIsRevoked) {
  EventSource stream(server->address(), "");
  ASSERT_EQ(stream.status(), 200);
  ASSERT_NE(stream.greeting(), "");
  apply(1);
  EXPECT_EQ(stream.next_seq(), 1);
  const auto id = stream.last_id();
  revoked = true;
  apply(2);
  const auto last = stream.next();
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->type, "error");
  const auto why = boost::json::parse(last->data);
  EXPECT_EQ(why.at("type"), "/problems/key-needed");
  EXPECT_EQ(why.at("status"), 401);
  EXPECT_EQ(why.at("detail"), "the key was revoked");
  EXPECT_EQ(last->id, id) << "with another key the client resumes behind what it got";
  EXPECT_FALSE(stream.next().has_value());
}

TEST_F(EventStreams, BeginNowAndGoOnAsUploadsAreApplied) {
  apply(1);
  EventSource stream(server->address(), "");
  ASSERT_EQ(stream.status(), 200);
  ASSERT_NE(stream.greeting(), "");
  apply(2);
  EXPECT_EQ(stream.next_seq(), 2);
  apply(3);
  apply(4);
  EXPECT_EQ(stream.next_seq(), 3);
  EXPECT_EQ(stream.next_seq(), 4);
}

TEST_F(EventStreams, BeginWhereTheyAreAskedTo) {
  for (int i = 1; i <= 3; ++i) apply(i);
  EventSource all(server->address(), "?after=beginning");
  EXPECT_EQ(all.next_seq(), 1);
  const auto first = all.last_id();
  EXPECT_EQ(all.next_seq(), 2);
  EventSource behind(server->address(), "?after=" + first);
  EXPECT_EQ(behind.next_seq(), 2);
  EventSource resumed(server->address(), "?after=beginning", "Last-Event-ID: " + first + "\r\n");
  EXPECT_EQ(resumed.next_seq(), 2) << "Last-Event-ID goes before `after`";
  EXPECT_TRUE(has(get("/api/v1/events?cursor=" + first), R"("seq":2,)")) << "an id is a cursor of the list";
  EXPECT_EQ(EventSource(server->address(), "?after=x").status(), 404);
  EXPECT_EQ(EventSource(server->address(), "", "Last-Event-ID: x\r\n").status(), 404);
  EXPECT_EQ(EventSource(server->address(), "?limit=1").status(), 422);
  const auto later = make_cursor("events", {"4", "1"});
  EXPECT_EQ(EventSource(server->address(), "?after=" + later).status(), 404) << "of another history";
  EXPECT_EQ(EventSource(server->address(), "", "Accept: application/json\r\n").status(), 406);
}

TEST_F(EventStreams, MissNothingWhenCutOffBeforeTheFirstEvent) {
  apply(1);
  std::string id;
  {
    EventSource stream(server->address(), "");
    id = stream.greeting();
  }
  apply(2);
  EventSource again(server->address(), "", "Last-Event-ID: " + id + "\r\n");
  EXPECT_EQ(again.next_seq(), 2);
}

TEST_F(EventStreams, AreFiltered) {
  for (int i = 1; i <= 6; ++i) apply(i, i % 3 == 0 ? ChangeType::remove : ChangeType::insert);
  EventSource stream(server->address(), "?after=beginning&type=delete");
  EXPECT_EQ(stream.next_seq(), 3);
  EXPECT_EQ(stream.next_seq(), 6);
  apply(7);
  apply(8, ChangeType::remove);
  EXPECT_EQ(stream.next_seq(), 8);
  EXPECT_EQ(EventSource(server->address(), "?type=changed").status(), 422);
  EXPECT_EQ(EventSource(server->address(), "?since=yesterday").status(), 422);
}

TEST_F(EventStreams, DoNotAskTheDatabaseWhileNothingHappens) {
  apply(1);
  std::vector<std::unique_ptr<EventSource>> streams;
  for (int i = 0; i < 20; ++i) {
    streams.push_back(std::make_unique<EventSource>(server->address(), ""));
    ASSERT_NE(streams.back()->greeting(), "");
  }
  apply(2);
  for (auto& stream : streams) EXPECT_EQ(stream->next_seq(), 2);
  // Each stream queries once at its start, once for the event and once after it.
  EXPECT_LE(history.event_questions.load(), 3 * 20);
}

TEST_F(EventStreams, OutliveAHistoryThatDoesNotAnswer) {
  apply(1);
  EventSource stream(server->address(), "");
  ASSERT_NE(stream.greeting(), "");
  const auto set_down = [this](std::optional<Error> down) {
    const std::lock_guard lock(history.mutex);
    history.down = std::move(down);
  };
  set_down(Error{ErrorCode::unavailable, "no-database", "gone", "wait"});
  EXPECT_EQ(get("/api/v1/events").status, 503);
  EXPECT_EQ(EventSource(server->address(), "").status(), 503);
  apply(2);
  set_down(std::nullopt);
  EXPECT_EQ(stream.next_seq(), 2);
}

TEST_F(EventStreams, EndAfterTheTimeThatIsGiven) {
  apply(1);
  const auto whole = get("/api/v1/events/stream?after=beginning&timeout=20ms");
  EXPECT_TRUE(whole.whole);
  EXPECT_EQ(whole.header("content-type"), "text/event-stream");
  EXPECT_TRUE(whole.body.starts_with("retry: 2000\nid: ")) << whole.body;
  EXPECT_TRUE(has(whole, "\ndata: {\"event_id\":"));
  EXPECT_TRUE(has(whole, R"("id":"a\nb")")) << "a line end in a value ends no line";
}

TEST_F(EventStreams, EndWithTheServer) {
  apply(1);
  EventSource stream(server->address(), "?after=beginning");
  EXPECT_EQ(stream.next_seq(), 1);
  server->stop(std::chrono::seconds(20));
  EXPECT_FALSE(stream.next().has_value());
}

}  // namespace
}  // namespace deltadrop::api
