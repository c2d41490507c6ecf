#include "http/connection_request.hpp"

#include <string_view>
#include <utility>

#include "core/table_ref.hpp"
#include "http/connection_names.hpp"
#include "http/head.hpp"

namespace deltadrop::http {

std::string advice_for(const error_code& error) {
  namespace protocol = boost::beast::http;
  if (error == protocol::error::bad_version) return "send HTTP/1.1 or HTTP/1.0 as the version";
  if (error == protocol::error::bad_method) return "start the request line with a method, such as GET";
  if (error == protocol::error::bad_target) {
    return "separate the target from method and version by one space each, and percent-encode "
           "characters that are not printable ASCII";
  }
  return "send a request line such as GET / HTTP/1.1, and each field as `name: value`";
}

Stop stop_of(const std::stop_source& gone, const std::stop_source& ending) {
  return Stop()
      .on(gone.get_token(), {ErrorCode::unavailable, "client-gone", "the client closed the connection",
                             "keep it open, in both directions, until you receive the response"})
      .on(ending.get_token(), {ErrorCode::shutting_down, "shutting-down", "the server is stopping",
                               "send the request again when the server is back"});
}

Request request_of(const RequestParser& parser, const std::string& remote_address) {
  Request request;
  const auto& message = parser.get();
  request.method = std::string(message.method_string());
  for (const auto& field : message) {
    request.headers.emplace_back(
        ascii_lower(std::string_view(field.name_string().data(), field.name_string().size())),
        std::string(field.value()));
  }
  request.remote_address = remote_address;
  request.id = request_id(request.header("x-request-id"));
  return request;
}

}  // namespace deltadrop::http
