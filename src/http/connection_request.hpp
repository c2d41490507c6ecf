#pragma once

#include <stop_token>
#include <string>

#include <boost/system/error_code.hpp>

#include "http/connection_body.hpp"
#include "http/message.hpp"

/// What a connection makes of a parsed head.
namespace deltadrop::http {

/// How to correct a head that the parser refuses.
std::string advice_for(const boost::system::error_code& error);

/// Requested when the client has gone, or when the time of requests under way is over.
Stop stop_of(const std::stop_source& gone, const std::stop_source& ending);

/// Method, headers, address and id; the target is parsed apart.
Request request_of(const RequestParser& parser, const std::string& remote_address);

}  // namespace deltadrop::http
