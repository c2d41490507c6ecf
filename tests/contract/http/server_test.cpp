#include "http/server.hpp"

#include <gtest/gtest.h>

#include <latch>
#include <new>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "http/head.hpp"
#include "http/problem.hpp"
#include "support/raw_client.hpp"
#include "support/temporary_folder.hpp"
#include "support/tls_files.hpp"
#include "test_server.hpp"

namespace deltadrop::http {
namespace {

using std::chrono::milliseconds;
using test::fetch;
using test::RawClient;

TEST(HttpServer, AnswersAndKeepsTheConnection) {
  TestServer server;
  RawClient client(server.address);
  for (const std::string word : {"a", "b%2Fc", "d"}) {
    client.send("GET /echo/" + word + " HTTP/1.1\r\nHost: x\r\nX-Request-Id: id-" + word.substr(0, 1) +
                "\r\n\r\n");
    const auto response = client.read_response();
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, word == "b%2Fc" ? "b/c" : word);
    EXPECT_EQ(response.header("x-request-id"), "id-" + word.substr(0, 1));
    EXPECT_EQ(response.header("connection"), "keep-alive");
  }
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  TestServer server;
  RawClient client(server.address);
  client.send(
      "GET /echo/one HTTP/1.1\r\nHost: x\r\n\r\n"
      "POST /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
      "GET /echo/two HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nxyz"
      "POST /sink HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n"
      "GET /echo/three HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.read_response().body, "one");
  EXPECT_EQ(client.read_response().body, "{\"bytes\":5}");
  EXPECT_EQ(client.read_response().body, "two");
  EXPECT_EQ(client.read_response().body, "{\"bytes\":7}");
  EXPECT_EQ(client.read_response().body, "three");
  EXPECT_TRUE(client.closed_by_server());
}

TEST(HttpServer, AnswersHeadAsGetWithoutABody) {
  TestServer server;
  RawClient client(server.address);
  client.send("HEAD /echo/four HTTP/1.1\r\nHost: x\r\n\r\nGET /echo/five HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto head = client.read_response(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-length"), "4");
  EXPECT_EQ(client.read_response().body, "five");
}

TEST(HttpServer, AnswersUnknownPathsAndMethodsAsProblems) {
  TestServer server;
  const auto unknown = fetch(server.address, "GET", "/nowhere");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.header("content-type"), "application/problem+json");
  EXPECT_NE(unknown.body.find("\"type\":\"/problems/no-such-path\""), std::string::npos) << unknown.body;
  EXPECT_NE(unknown.body.find("\"instance\":\"" + unknown.header("x-request-id") + "\""), std::string::npos);
  const auto method = fetch(server.address, "DELETE", "/health");
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method.header("allow"), "GET, HEAD");
  EXPECT_EQ(fetch(server.address, "GET", "/sink").header("allow"), "POST");
  EXPECT_EQ(fetch(server.address, "GET", "/echo/a%00b").status, 400);
}

struct Refusal {
  std::string name;
  std::string request;
  int status;
};

class HttpServerRefuses : public ::testing::TestWithParam<Refusal> {};

TEST_P(HttpServerRefuses, AndClosesSoThatNothingSmuggledIsRun) {
  TestServer server;
  RawClient client(server.address);
  client.send(GetParam().request + "GET /echo/smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto response = client.read_response();
  EXPECT_EQ(response.status, GetParam().status) << response.body;
  EXPECT_EQ(response.header("content-type"), "application/problem+json");
  EXPECT_EQ(response.header("connection"), "close");
  EXPECT_TRUE(client.closed_by_server());
  EXPECT_EQ(server.sinks.finished_count(), 0);
}

std::string many_fields(int count) {
  std::string fields;
  for (int i = 0; i < count; ++i) fields += fmt::format("X-{}: y\r\n", i);
  return fields;
}

const std::string kPost = "POST /sink HTTP/1.1\r\nHost: x\r\n";
INSTANTIATE_TEST_SUITE_P(
    Requests, HttpServerRefuses,
    ::testing::Values(
        Refusal{"LengthAndChunked",
                kPost + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        Refusal{"ChunkedAndLength",
                kPost + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400},
        Refusal{"TwoLengths", kPost + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400},
        Refusal{"EqualLengths", kPost + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400},
        Refusal{"ListOfLengths", kPost + "Content-Length: 5, 5\r\n\r\nhello", 400},
        Refusal{"Gzip", kPost + "Transfer-Encoding: gzip\r\n\r\n", 400},
        Refusal{"GzipChunked", kPost + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
        Refusal{"Identity", kPost + "Transfer-Encoding: identity\r\n\r\n", 400},
        Refusal{"AlmostChunked", kPost + "Transfer-Encoding: xchunked\r\n\r\n", 400},
        Refusal{"ChunkedTwice",
                kPost + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        Refusal{"BadChunkSize", kPost + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
        Refusal{"BadChunkEnd", kPost + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcXX", 400},
        Refusal{"BlankBeforeColon", kPost + "Content-Length : 5\r\n\r\nhello", 400},
        Refusal{"TabBeforeColon", kPost + "Content-Length\t: 5\r\n\r\nhello", 400},
        Refusal{"FoldedField", kPost + "X: a\r\n b\r\nContent-Length: 5\r\n\r\nhello", 400},
        Refusal{"FoldedEncoding", kPost + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400},
        Refusal{"BlankFirstField", "POST /sink HTTP/1.1\r\n Host: x\r\n\r\n", 400},
        Refusal{"BareLfInTheHead", kPost + "X: a\nContent-Length: 5\r\n\r\nhello", 400},
        Refusal{"BareLfBehindTheRequestLine", "GET /health HTTP/1.1\nHost: x\r\n\r\n", 400},
        Refusal{"OnlyLf", "GET /health HTTP/1.1\nHost: x\n\n", 400},
        Refusal{"BareCrInAValue", kPost + "X: a\rContent-Length: 5\r\n\r\n", 400},
        Refusal{"BareCrBeforeTheEnd", kPost + "X: a\r\r\n\r\n", 400},
        Refusal{"NulInAValue", kPost + "X: a" + std::string(1, '\0') + "b\r\n\r\n", 400},
        Refusal{"NulInAName", kPost + "X" + std::string(1, '\0') + ": b\r\n\r\n", 400},
        Refusal{"NulInThePath", "GET /heal" + std::string(1, '\0') + "th HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Refusal{"NoColon", kPost + "nonsense\r\n\r\n", 400},
        Refusal{"NoName", kPost + ": nonsense\r\n\r\n", 400},
        Refusal{"ParenthesisInAName", kPost + "X(y): z\r\n\r\n", 400},
        Refusal{"ManyFields", kPost + many_fields(200) + "\r\n", 431},
        Refusal{"SignedLength", kPost + "Content-Length: +5\r\n\r\nhello", 400},
        Refusal{"HexLength", kPost + "Content-Length: 0x5\r\n\r\nhello", 400},
        Refusal{"BlankInTheEncoding", kPost + "Transfer-Encoding: chunked x\r\n\r\n0\r\n\r\n", 400},
        Refusal{"EncodingInOldHttp", "POST /sink HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                400},
        Refusal{"HugeChunkSize", kPost + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n",
                400},
        Refusal{"SignedChunkSize", kPost + "Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n", 400},
        Refusal{"HexChunkPrefix", kPost + "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n", 400},
        Refusal{"BareLfBehindAChunkSize", kPost + "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
                400},
        Refusal{"BareLfInAChunkExtension", kPost + "Transfer-Encoding: chunked\r\n\r\n3;x\nabc\r\n0\r\n\r\n",
                400},
        Refusal{"LfInAQuotedChunkExtension",
                kPost + "Transfer-Encoding: chunked\r\n\r\n3;x=\"\n\"\r\nabc\r\n0\r\n\r\n", 400},
        Refusal{"LfInTheLastChunksExtension",
                kPost + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0;x=\"\n\"\r\n\r\n", 400},
        Refusal{"NulInAQuotedChunkExtension",
                kPost + "Transfer-Encoding: chunked\r\n\r\n3;x=\"" + std::string(1, '\0') +
                    "\"\r\nabc\r\n0\r\n\r\n",
                400},
        Refusal{"BareLfBehindAChunk", kPost + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n", 400},
        Refusal{"NoHost", "GET /health HTTP/1.1\r\n\r\n", 400},
        Refusal{"BadRequestLine", "GET  /health HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Refusal{"NotHttp", "hello there\r\n\r\n", 400},
        Refusal{"Http2", "GET /health HTTP/2.0\r\nHost: x\r\n\r\n", 400},
        Refusal{"StrangeExpectation", kPost + "Expect: 200-ok\r\nContent-Length: 5\r\n\r\n", 417},
        Refusal{"HugeHeader", kPost + "X: " + std::string(20'000, 'x') + "\r\n\r\n", 431},
        Refusal{
            "HugeBodyNobodyWants",
            "GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + std::string(300'000, 'x'),
            413}),
    [](const auto& instance) { return instance.param.name; });

TEST(HttpServer, GivesTheUploadsPlaceBackWhenABodyHasMoreFramingThanContent) {
  constexpr std::size_t kBytes = 3'000'000;
  std::string trailers;
  while (trailers.size() < kBytes) trailers += "T: y\r\n";
  ServerOptions options;
  options.uploads_max = 1;
  TestServer server({}, options);
  for (const auto& [path, framing] : std::vector<std::pair<std::string, std::string>>{
           {"POST /sink", "1;" + std::string(kBytes, 'a') + "\r\nx\r\n0\r\n\r\n"},
           {"POST /sink", std::string(kBytes, '0') + "1\r\nx\r\n0\r\n\r\n"},
           {"POST /sink", "1\r\nx\r\n0\r\n" + trailers + "\r\n"},
           {"GET /health", "0\r\n" + trailers + "\r\n"},
           {"GET /health", "zz\r\n"}}) {
    RawClient client(server.address);
    client.send(path + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + framing);
    const auto response = client.read_response();
    EXPECT_EQ(response.status, 400) << path << " " << framing.substr(0, 20);
    EXPECT_EQ(response.header("content-type"), "application/problem+json");
    EXPECT_EQ(response.header("connection"), "close");
    EXPECT_EQ(fetch(server.address, "POST", "/sink", "", "hello").status, 200);
  }
}

TEST(HttpServer, RespondsTheSameForAnyCut) {
  TestServer server;
  const std::string requests =
      "GET /echo/one HTTP/1.1\r\nHost: x\r\n\r\n"
      "POST /sink HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
      "\r\nGET /echo/two HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nxyz";
  for (std::size_t cut = 1; cut < requests.size(); ++cut) {
    RawClient client(server.address);
    ASSERT_TRUE(client.send(requests.substr(0, cut)));
    ASSERT_TRUE(client.send(requests.substr(cut)));
    ASSERT_EQ(client.read_response().body, "one") << "cut at " << cut;
    ASSERT_EQ(client.read_response().body, "{\"bytes\":5}") << "cut at " << cut;
    ASSERT_EQ(client.read_response().body, "two") << "cut at " << cut;
  }
}

TEST(HttpServer, ServesOnlyItsHosts) {
  ServerOptions options;
  options.allowed_hosts = {"localhost", "127.0.0.1", "[::1]"};
  TestServer server({}, options);
  for (const std::string host :
       {"localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]", "[::1]:8000", "localhost."}) {
    RawClient client(server.address);
    client.send("GET /health HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    EXPECT_EQ(client.read_response().status, 200) << host;
  }
  for (const std::string host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil"}) {
    RawClient client(server.address);
    client.send("GET /health HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    EXPECT_EQ(client.read_response().status, 421) << host;
  }
  for (const std::string host : {"", ":8000", "localhost:1@evil.example", ":abc", "localhost/evil"}) {
    RawClient client(server.address);
    client.send("GET /health HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    EXPECT_EQ(client.read_response().status, 400) << host;
  }
}

TEST(HttpServer, TakesTheHostOfAnAbsoluteTarget) {
  ServerOptions options;
  options.allowed_hosts = {"localhost"};
  TestServer server({}, options);
  const auto status_of = [&](const std::string& target, const std::string& host) {
    RawClient client(server.address);
    client.send("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    return client.read_response().status;
  };
  EXPECT_EQ(status_of("http://localhost/health", "evil.example"), 200) << "Host is ignored then";
  EXPECT_EQ(status_of("http://evil.example/health", "localhost"), 421);
  EXPECT_EQ(status_of("https://localhost/health", "localhost"), 421) << "this connection has no TLS";
  EXPECT_EQ(status_of("http://u@localhost/health", "localhost"), 400);
}

TEST(HttpServer, ReadsLengthsByTheGrammar) {
  TestServer server;
  for (const std::string length : {"05", "\t5 ", "  005\t"}) {
    RawClient client(server.address);
    client.send(kPost + "Content-Length:" + length + "\r\n\r\nhello");
    const auto response = client.read_response();
    EXPECT_EQ(response.status, 200) << length << response.body;
    EXPECT_EQ(response.body, R"({"bytes":5})") << length;
  }
}

TEST(HttpServer, GivesAdviceThatFitsTheFault) {
  TestServer server;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {kPost + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
       "Content-Length is given more than once"},
      {kPost + "Content-Length: 5, 5\r\n\r\nhello", "not a length"},
      {kPost + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "both Content-Length and"},
      {kPost + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "send exactly chunked"},
      {"GET /health HTTP/2.0\r\nHost: x\r\n\r\n", "send HTTP/1.1"},
  };
  for (const auto& [request, advice] : cases) {
    RawClient client(server.address);
    client.send(request);
    const auto response = client.read_response();
    EXPECT_EQ(response.status, 400);
    EXPECT_NE(response.body.find(advice), std::string::npos) << response.body;
  }
}

TEST(HttpServer, RejectsChangesByPagesOfOtherSites) {
  TestServer server;
  const auto status_of = [&](const std::string& field) {
    RawClient client(server.address);
    client.send("POST /sink HTTP/1.1\r\nHost: localhost\r\n" + field + "Content-Length: 5\r\n\r\nhello");
    return client.read_response().status;
  };
  EXPECT_EQ(status_of(""), 200);
  EXPECT_EQ(status_of("Origin: http://localhost\r\n"), 200);
  EXPECT_EQ(status_of("Origin: http://evil.example\r\n"), 403);
  EXPECT_EQ(status_of("Sec-Fetch-Site: cross-site\r\n"), 403);
  EXPECT_EQ(server.sinks.finished_count(), 2);
}

TEST(HttpServer, IgnoresTheExpectationOfOldHttp) {
  TestServer server;
  RawClient client(server.address);
  client.send("POST /sink HTTP/1.0\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(client.read_response().status, 200) << "not 100, which HTTP/1.0 does not define";
}

TEST(HttpServer, ClosesWhenTheHeadComesTooSlowly) {
  ServerOptions options;
  options.header_timeout = milliseconds(200);
  TestServer server({}, options);
  RawClient silent(server.address);
  RawClient slow(server.address);
  slow.send("GET /health HTTP/1.1\r\nHos");
  EXPECT_TRUE(slow.closed_by_server());
  EXPECT_TRUE(silent.closed_by_server());
}

TEST(HttpServer, ClosesIdleConnections) {
  ServerOptions options;
  options.idle_timeout = milliseconds(200);
  TestServer server({}, options);
  RawClient client(server.address);
  client.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.read_response().status, 200);
  EXPECT_TRUE(client.closed_by_server());
}

class HttpServerOver : public ::testing::TestWithParam<Transport> {};

TEST_P(HttpServerOver, AnswersABodyThatComesTooSlowlyAndDropsItsSink) {
  const bool with_tls = GetParam() == Transport::tls;
  const deltadrop::testing::TemporaryFolder folder;
  ServerOptions options;
  options.body_rate_window = milliseconds(200);
  if (with_tls) options.tls = test::make_tls_files(folder.path());
  TestServer server({}, options);
  for (const std::string& request :
       {kPost + "Content-Length: 1000\r\n\r\nhello", kPost + "Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
        kPost + "Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n",
        std::string("GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhello")}) {
    RawClient client((with_tls ? "https://" : "") + server.address);
    ASSERT_TRUE(client.connected());
    client.send(request);
    if (request.find("Expect") != std::string::npos) {
      EXPECT_EQ(client.read_response().status, 100);
    }
    const auto response = client.read_response();
    EXPECT_EQ(response.status, 408) << request;
    EXPECT_EQ(response.header("content-type"), "application/problem+json");
    EXPECT_EQ(response.header("connection"), "close");
    EXPECT_NE(response.body.find("/problems/body-too-slow"), std::string::npos) << response.body;
    EXPECT_NE(response.body.find("1024 bytes a second"), std::string::npos) << response.body;
    // TLS has no half-close, so the server waits for the client to close.
    EXPECT_TRUE(with_tls || client.closed_by_server());
  }
  EXPECT_TRUE(server.sinks.wait_destroyed(3));
  EXPECT_EQ(server.sinks.finished_count(), 0);
}

INSTANTIATE_TEST_SUITE_P(Transports, HttpServerOver, ::testing::Values(Transport::plain, Transport::tls),
                         [](const auto& each) { return each.param == Transport::tls ? "Tls" : "Plain"; });

TEST(HttpServer, DropsTheSinkOfACutBody) {
  TestServer server;
  for (const std::string framing :
       {"Content-Length: 1000\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhel"}) {
    RawClient client(server.address);
    client.send(kPost + framing);
    ASSERT_TRUE(client.connected());
  }
  EXPECT_TRUE(server.sinks.wait_destroyed(2));
  EXPECT_EQ(server.sinks.finished_count(), 0);
}

TEST(HttpServer, AnswersAClientThatEndedItsSideTooEarly) {
  TestServer server;
  RawClient client(server.address);
  client.send(kPost + "Content-Length: 1000\r\n\r\nhello");
  client.end_sending();
  const auto response = client.read_response();
  EXPECT_EQ(response.status, 400);
  EXPECT_NE(response.body.find("truncated-body"), std::string::npos) << response.body;
  EXPECT_EQ(server.sinks.finished_count(), 0);
}

TEST(HttpServer, AnswersWhileTheClientStillSends) {
  TestServer server({}, {}, std::uint64_t{1} << 20);
  RawClient client(server.address);
  constexpr std::size_t kPieces = 512;
  const std::string piece(64 * 1024, 'x');
  client.send(kPost + fmt::format("Content-Length: {}\r\n\r\n", kPieces * piece.size()));
  for (std::size_t i = 0; i < kPieces; ++i) ASSERT_TRUE(client.send(piece)) << "piece " << i;
  const auto response = client.read_response();
  EXPECT_EQ(response.status, 413);
  EXPECT_NE(response.body.find("\"fix\":\"split it\""), std::string::npos) << response.body;
  EXPECT_TRUE(server.sinks.wait_destroyed(1));
}

TEST(HttpServer, AnswersExpectationsBeforeTheBody) {
  TestServer server;
  RawClient client(server.address);
  client.send(kPost + "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_response().status, 100);
  client.send("hello");
  EXPECT_EQ(client.read_response().body, "{\"bytes\":5}");
  client.send(kPost + "Content-Length: 5\r\nExpect: 100-continue\r\nX-Refuse: 1\r\n\r\n");
  EXPECT_EQ(client.read_response().status, 415);
  RawClient lost(server.address);
  lost.send("POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(lost.read_response().status, 404);
}

TEST(HttpServer, SurvivesHandlersThatThrowAndHeadersThatSplit) {
  TestServer server({get("/throw", [](const Request&) -> Response { throw std::runtime_error("oh"); }),
                     get("/split", [](const Request&) {
                       auto response = text_response("x");
                       response.headers.emplace_back("X-Name", "a\r\nSet-Cookie: b");
                       return response;
                     })});
  EXPECT_EQ(fetch(server.address, "GET", "/throw").status, 500);
  const auto split = fetch(server.address, "GET", "/split");
  EXPECT_EQ(split.status, 500);
  EXPECT_EQ(split.header("set-cookie"), "");
  EXPECT_EQ(fetch(server.address, "GET", "/health").status, 200);
}

TEST(HttpServer, NamesTheExhaustedResource) {
  TestServer server({get("/memory", [](const Request&) -> Response { throw std::bad_alloc(); }),
                     get("/thread", [](const Request&) -> Response {
                       throw std::system_error(
                           std::make_error_code(std::errc::resource_unavailable_try_again));
                     })});
  const auto memory = fetch(server.address, "GET", "/memory");
  EXPECT_EQ(memory.status, 503);
  EXPECT_NE(memory.body.find("/problems/out-of-memory"), std::string::npos) << memory.body;
  const auto thread = fetch(server.address, "GET", "/thread");
  EXPECT_EQ(thread.status, 503);
  EXPECT_NE(thread.body.find("/problems/no-thread"), std::string::npos) << thread.body;
  EXPECT_EQ(fetch(server.address, "GET", "/health").status, 200);
}

/// Streams `pieces` pieces of 64 KiB, then ends or fails.
Response streamed(int pieces, bool fails, std::atomic<int>* produced = nullptr) {
  Response response;
  response.stream = [left = pieces, fails, produced]() mutable -> Result<std::string> {
    if (left-- > 0) {
      if (produced != nullptr) ++*produced;
      return std::string(64 * 1024, 'y');
    }
    if (fails) return Error{ErrorCode::corrupt, "bad-record", "broken", ""};
    return std::string();
  };
  return response;
}

TEST(HttpServer, StreamsRepliesAndCutsBrokenOnes) {
  TestServer server({get("/whole", [](const Request&) { return streamed(3, false); }),
                     get("/broken", [](const Request&) { return streamed(3, true); }),
                     get("/failed", [](const Request&) { return streamed(0, true); }),
                     get("/empty", [](const Request&) { return streamed(0, false); })});
  RawClient client(server.address);
  client.send("GET /whole HTTP/1.1\r\nHost: x\r\n\r\nGET /empty HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto whole = client.read_response();
  EXPECT_TRUE(whole.whole);
  EXPECT_EQ(whole.body.size(), 3U * 64 * 1024);
  EXPECT_EQ(client.read_response().body, "");
  const auto broken = fetch(server.address, "GET", "/broken");
  EXPECT_EQ(broken.status, 200);
  EXPECT_FALSE(broken.whole);
  EXPECT_EQ(fetch(server.address, "GET", "/failed").status, 500);
  RawClient old(server.address);
  old.send("GET /whole HTTP/1.0\r\n\r\n");
  const auto until_close = old.read_response();
  EXPECT_EQ(until_close.header("transfer-encoding"), "");
  EXPECT_EQ(until_close.body.size(), 3U * 64 * 1024);
}

TEST(HttpServer, PullsAStreamOnlyAsFastAsItsReaderReads) {
  constexpr int kPieces = 1024;  // 64 MiB
  std::atomic<int> produced = 0;
  TestServer server({get("/big", [&](const Request&) { return streamed(kPieces, false, &produced); })});
  RawClient client(server.address, 64 * 1024);
  client.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_FALSE(client.read_some(1000).empty());
  EXPECT_EQ(fetch(server.address, "GET", "/health").status, 200);  // others are served meanwhile
  EXPECT_LT(produced.load(), kPieces / 2);                         // the sockets buffer only a few MiB
  std::uint64_t read = 0;
  while (read < std::uint64_t{kPieces} * 64 * 1024) {
    const auto some = client.read_some(1 << 20);
    ASSERT_FALSE(some.empty()) << "after " << read << " bytes";
    read += some.size();
  }
  EXPECT_EQ(produced.load(), kPieces);
}

TEST(HttpServer, StopFinishesCurrentRequests) {
  std::latch entered(1);
  std::latch go(1);
  TestServer server({get("/slow", [&](const Request& request) {
    entered.count_down();
    go.wait();
    return text_response(request.server_stops() ? "stopping" : "running");
  })});
  RawClient idle(server.address);
  RawClient busy(server.address);
  busy.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  entered.wait();
  std::thread stopper([&] { server.server->stop(milliseconds(20'000)); });
  EXPECT_TRUE(idle.closed_by_server());  // shows that the stop has begun
  EXPECT_FALSE(RawClient(server.address).connected());
  go.count_down();
  const auto response = busy.read_response();
  EXPECT_EQ(response.body, "stopping");
  EXPECT_EQ(response.header("connection"), "close");
  stopper.join();
}

TEST(HttpServer, StopClosesUnfinishedRequestsAtTheDeadline) {
  TestServer server;
  RawClient client(server.address);
  client.send(kPost + "Content-Length: 1000\r\n\r\nhello");
  ASSERT_TRUE(server.sinks.wait_opened(1));
  server.server->stop(milliseconds(50));
  EXPECT_TRUE(server.sinks.wait_destroyed(1));
  EXPECT_EQ(server.sinks.finished_count(), 0);
}

TEST(HttpServer, ExplainsHowToFindWhoUsesTheAddress) {
  TestServer server;
  ServerOptions options;
  options.port = static_cast<std::uint16_t>(std::stoi(server.address.substr(server.address.rfind(':') + 1)));
  const auto second = Server::listen(options, {});
  ASSERT_TRUE(second.has_error());
  EXPECT_EQ(second.error().type, "cannot-listen");
  EXPECT_NE(second.error().message.find(server.address), std::string::npos) << second.error().message;
  EXPECT_NE(second.error().fix.find("--listen"), std::string::npos) << second.error().fix;
  options.address = "not an address";
  EXPECT_EQ(Server::listen(options, {}).error().type, "cannot-listen");
}

TEST(HttpServer, RefusesMoreConnectionsThanItMayHave) {
  ServerOptions options;
  options.connections_max = 2;
  TestServer server({}, options);
  RawClient first(server.address);
  RawClient second(server.address);
  first.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
  second.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(first.read_response().status, 200);
  EXPECT_EQ(second.read_response().status, 200);
  RawClient third(server.address);
  EXPECT_EQ(third.read_response().status, 503);
}

TEST(HttpServer, RefusesMoreConnectionsOfOneAddressThanItMayHave) {
  ServerOptions options;
  options.connections_per_address_max = 1;
  TestServer server({}, options);
  RawClient first(server.address);
  first.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(first.read_response().status, 200);
  RawClient second(server.address);
  const auto refused = second.read_response();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("retry-after"), "5");
  first.end_sending();
  EXPECT_TRUE(first.closed_by_server());
  EXPECT_EQ(fetch(server.address, "GET", "/health").status, 200);
}

TEST(HttpServer, LimitsConcurrentUploads) {
  ServerOptions options;
  options.uploads_max = 1;
  TestServer server({}, options);
  RawClient slow(server.address);
  slow.send(kPost + "Content-Length: 10\r\n\r\nhello");
  ASSERT_TRUE(server.sinks.wait_opened(1));
  const auto refused = fetch(server.address, "POST", "/sink", "", "hello");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("retry-after"), "5");
  EXPECT_NE(refused.body.find("too-many-uploads"), std::string::npos) << refused.body;
  EXPECT_EQ(fetch(server.address, "GET", "/health").status, 200);
  slow.send("world");
  EXPECT_EQ(slow.read_response().status, 200);
  EXPECT_EQ(fetch(server.address, "POST", "/sink", "", "hello").status, 200);
}

TEST(HttpServer, AsksTheGateBeforeTheBodyAndForEveryPath) {
  ServerOptions options;
  options.gate = [](const Request& request) -> std::optional<Response> {
    if (request.header("authorization")) return std::nullopt;
    return problem({ErrorCode::invalid_input, "key-needed", "no key", "send one"});
  };
  TestServer server({}, options);
  RawClient client(server.address);
  client.send(kPost + "Content-Length: 1000000\r\n\r\n");  // the client never sends the body
  EXPECT_EQ(client.read_response().status, 401);
  EXPECT_EQ(fetch(server.address, "GET", "/nowhere").status, 401);
  EXPECT_EQ(fetch(server.address, "DELETE", "/health").status, 401);
  EXPECT_EQ(fetch(server.address, "GET", "/health", "Authorization: x\r\n").status, 200);
  EXPECT_EQ(fetch(server.address, "GET", "/nowhere", "Authorization: x\r\n").status, 404);
  EXPECT_EQ(fetch(server.address, "POST", "/sink", "", "hello").status, 401);
  EXPECT_EQ(server.sinks.finished_count(), 0);
}

}  // namespace
}  // namespace deltadrop::http
