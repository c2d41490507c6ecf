#include "http/head.hpp"

#include <gtest/gtest.h>

namespace deltadrop::http {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Case {
  std::string name;
  Headers headers;
  std::string type;  ///< the type of the error, or ""
  bool http_1_1 = true;
};

class RequestHeads : public testing::TestWithParam<Case> {};

TEST_P(RequestHeads, AreRejectedIfAmbiguous) {
  const auto checked = check_request_head({GetParam().http_1_1, GetParam().headers});
  EXPECT_EQ(checked.has_error() ? checked.error().type : "", GetParam().type);
}

INSTANTIATE_TEST_SUITE_P(
    Heads, RequestHeads,
    testing::Values(
        Case{"NoBody", {{"host", "a"}}, ""}, Case{"Length", {{"host", "a"}, {"content-length", "12"}}, ""},
        Case{"Chunked", {{"host", "a"}, {"transfer-encoding", "Chunked"}}, ""},
        Case{"LengthWithZeros", {{"host", "a"}, {"content-length", "0000000000000000000000012"}}, ""},
        Case{"OnlyZeros", {{"host", "a"}, {"content-length", "000"}}, ""},
        Case{"HostWithPort", {{"host", "a.example:8000"}}, ""}, Case{"EmptyPort", {{"host", "a:"}}, ""},
        Case{"Address6", {{"host", "[::1]:8000"}}, ""}, Case{"EmptyHost", {{"host", ""}}, "bad-request"},
        Case{"OnlyAPort", {{"host", ":80"}}, "bad-request"},
        Case{"LettersAsPort", {{"host", "a:abc"}}, "bad-request"},
        Case{"HostWithUser", {{"host", "h:1@evil"}}, "bad-request"},
        Case{"HostWithPath", {{"host", "a/b"}}, "bad-request"},
        Case{"HostWithQuery", {{"host", "a?b"}}, "bad-request"},
        Case{"HostWithBlank", {{"host", "a b"}}, "bad-request"},
        Case{"TwoHostsInOne", {{"host", "a,[b"}}, "bad-request"},
        Case{"NotAnAddress6", {{"host", "[1:2]"}}, "bad-request"},
        Case{"TextAfterAnAddress6", {{"host", "[::1]8000"}}, "bad-request"},
        Case{"LongPort", {{"host", "a:123456"}}, "bad-request"},
        Case{"ExpectationInOldHttp", {{"expect", "200-ok"}}, "", false}, Case{"NoHost", {}, "bad-request"},
        Case{"NoHostInOldHttp", {}, "", false},
        Case{"TwoHosts", {{"host", "a"}, {"host", "a"}}, "bad-request"},
        Case{
            "EqualLengths", {{"host", "a"}, {"content-length", "1"}, {"content-length", "1"}}, "bad-request"},
        Case{"ListOfLengths", {{"host", "a"}, {"content-length", "1, 1"}}, "bad-request"},
        Case{"SignedLength", {{"host", "a"}, {"content-length", "+1"}}, "bad-request"},
        Case{"EmptyLength", {{"host", "a"}, {"content-length", ""}}, "bad-request"},
        Case{"HugeLength", {{"host", "a"}, {"content-length", "99999999999999999999"}}, "bad-request"},
        Case{"LengthAndChunked",
             {{"host", "a"}, {"content-length", "1"}, {"transfer-encoding", "chunked"}},
             "bad-request"},
        Case{"Gzip", {{"host", "a"}, {"transfer-encoding", "gzip"}}, "bad-request"},
        Case{"GzipChunked", {{"host", "a"}, {"transfer-encoding", "gzip, chunked"}}, "bad-request"},
        Case{"Identity", {{"host", "a"}, {"transfer-encoding", "identity"}}, "bad-request"},
        Case{"AlmostChunked", {{"host", "a"}, {"transfer-encoding", "xchunked"}}, "bad-request"},
        Case{"ChunkedTwice",
             {{"host", "a"}, {"transfer-encoding", "chunked"}, {"transfer-encoding", "chunked"}},
             "bad-request"},
        Case{"ChunkedInOldHttp", {{"transfer-encoding", "chunked"}}, "bad-request", false},
        Case{"Continue", {{"host", "a"}, {"expect", "100-Continue"}}, ""},
        Case{"StrangeExpectation", {{"host", "a"}, {"expect", "200-ok"}}, "bad-expectation"}),
    [](const auto& instance) { return instance.param.name; });

TEST(HeaderFields, AreReadWithoutSurroundingBlanks) {
  const Headers expected = {{"host", "a"}, {"content-length", "5"}, {"x-empty", ""}};
  EXPECT_EQ(header_fields_of("GET / HTTP/1.1\r\nHost:a\r\nContent-Length: \t5 \t\r\nX-Empty:\r\n\r\n"),
            expected);
}

TEST(RequestedOrigin, MustBeOurs) {
  const std::vector<std::string> hosts = {"localhost", "[::1]"};
  struct OriginCase {
    std::optional<std::string> scheme;
    std::optional<std::string> authority;
    Transport transport;
    std::string type;
  };
  const std::vector<OriginCase> cases = {
      {{}, {}, Transport::plain, ""},
      {{}, "localhost", Transport::plain, ""},
      {{}, "LOCALHOST.:8000", Transport::plain, ""},
      {{}, "[::1]", Transport::plain, ""},
      {{}, "evil.example", Transport::plain, "wrong-host"},
      {"http", "localhost", Transport::plain, ""},
      {"HTTP", "localhost", Transport::plain, ""},
      {"http", "evil.example", Transport::plain, "wrong-host"},
      {"http", "user@localhost", Transport::plain, "bad-request"},
      {"http", "", Transport::plain, "bad-request"},
      {"https", "localhost", Transport::plain, "wrong-scheme"},
      {"https", "localhost", Transport::tls, ""},
      {"http", "localhost", Transport::tls, "wrong-scheme"},
      {"ftp", "localhost", Transport::plain, "wrong-scheme"},
  };
  for (const auto& one : cases) {
    const auto checked = check_requested_origin({one.scheme, one.authority}, one.transport, hosts);
    EXPECT_EQ(checked.has_error() ? checked.error().type : "", one.type)
        << one.scheme.value_or("-") << " " << one.authority.value_or("-");
  }
  EXPECT_TRUE(check_requested_origin({{}, "any.example"}, Transport::plain, {}).has_value());
}

TEST(SameSite, IsRequiredForChanges) {
  struct SiteCase {
    std::string method;
    Headers headers;
    bool passes;
  };
  const std::vector<SiteCase> cases = {
      {"POST", {}, true},
      {"POST", {{"origin", "http://localhost:8000"}}, true},
      {"POST", {{"origin", "https://localhost:8000"}}, true},
      {"POST", {{"origin", "http://localhost"}}, false},
      {"POST", {{"origin", "http://evil.example"}}, false},
      {"POST", {{"origin", "http://evil.example:8000"}}, false},
      {"POST", {{"origin", "http://localhost:8000"}, {"origin", "http://evil.example:8000"}}, false},
      {"PUT", {{"origin", "null"}}, false},
      {"DELETE", {{"origin", ""}}, false},
      {"GET", {{"origin", "http://evil.example"}}, true},
      {"HEAD", {{"sec-fetch-site", "cross-site"}}, true},
      {"POST", {{"sec-fetch-site", "same-origin"}, {"origin", "http://localhost:8000"}}, true},
      {"POST", {{"sec-fetch-site", "none"}}, true},
      {"POST", {{"sec-fetch-site", "same-site"}}, false},
      {"POST", {{"sec-fetch-site", "cross-site"}, {"origin", "http://localhost:8000"}}, false},
      {"PATCH", {{"sec-fetch-site", "cross-site"}}, false},
      {"POST", {{"sec-fetch-site", "same-origin"}, {"sec-fetch-site", "cross-site"}}, false},
  };
  for (const auto& one : cases) {
    Request request;
    request.method = one.method;
    request.headers = one.headers;
    const auto checked = check_same_site(request, "localhost:8000");
    EXPECT_EQ(checked.has_value(), one.passes)
        << one.method << " " << (one.headers.empty() ? "" : one.headers[0].second);
    if (!one.passes) {
      EXPECT_EQ(checked.error().type, "cross-site");
    }
  }
}

/// HTTP/1.0 does not require Host, but browsers always send it.
TEST(SameSite, IsUnknownWithoutAHost) {
  Request request;
  request.method = "POST";
  EXPECT_TRUE(check_same_site(request, std::nullopt).has_value());
  request.headers = {{"origin", "http://localhost:8000"}};
  const auto checked = check_same_site(request, std::nullopt);
  ASSERT_TRUE(checked.has_error());
  EXPECT_EQ(checked.error().type, "cross-site");
}

TEST(SecurityHeaders, TellBrowsersWhatTheyMayDo) {
  const auto header = [](const Response& response, const std::string& name) {
    for (const auto& [field, value] : response.headers) {
      if (field == name) return value;
    }
    return std::string("none");
  };
  Response json;
  add_security_headers(json, Transport::plain);
  EXPECT_EQ(header(json, "Cache-Control"), "no-store");
  EXPECT_EQ(header(json, "Referrer-Policy"), "no-referrer");
  EXPECT_EQ(header(json, "Strict-Transport-Security"), "none") << "browsers ignore it without TLS";

  Response page;
  page.content_type = "text/html; charset=utf-8";
  page.headers = {{"Cache-Control", "no-cache"}};
  add_security_headers(page, Transport::tls);
  EXPECT_EQ(header(page, "Cache-Control"), "no-cache") << "a header that the route has set stays";
  EXPECT_EQ(header(page, "Strict-Transport-Security"), "max-age=31536000");
  const auto policy = header(page, "Content-Security-Policy");
  for (const std::string directive : {"default-src 'none'", "script-src 'self';", "base-uri 'none'",
                                      "form-action 'self'", "frame-ancestors 'none'"}) {
    EXPECT_NE(policy.find(directive), std::string::npos) << policy;
  }
}

TEST(RequestIds, AreKeptIfHarmless) {
  EXPECT_EQ(request_id("ab-12_x.y"), "ab-12_x.y");
  for (const std::string given : {"", "a b", "a\r\nX: y", "é"}) {
    const auto made = request_id(given);
    EXPECT_EQ(made.size(), 16U) << given;
    EXPECT_NE(made, given);
  }
  EXPECT_EQ(request_id(std::string(129, 'a')).size(), 16U);
  EXPECT_NE(request_id(std::nullopt), request_id(std::nullopt));
}

TEST(HttpDate, FollowsRfc9110) {
  const auto time = std::chrono::sys_days{std::chrono::year{1994} / 11 / 6} + std::chrono::seconds(31'777);
  EXPECT_EQ(http_date(time), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(ResponseHead, IsComplete) {
  Response response;
  response.body = "{}";
  response.headers = {{"Allow", "GET"}};
  EXPECT_EQ(response_head(response, Framing::length, true, "id-1").value(),
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nAllow: GET\r\nX-Request-Id: id-1\r\n"
            "X-Content-Type-Options: nosniff\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n");
}

TEST(ResponseHead, RefusesToBeSplit) {
  for (const auto& [name, value] :
       Headers{{"X", "a\r\nSet-Cookie: b"}, {"X", "a\nb"}, {"X\r\nY", "a"}, {"", "a"}}) {
    Response response;
    response.headers = {{name, value}};
    EXPECT_TRUE(response_head(response, Framing::length, true, "id").has_error()) << name << ": " << value;
  }
}

}  // namespace
}  // namespace deltadrop::http
