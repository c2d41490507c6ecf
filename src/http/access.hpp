#pragma once

#include <cstdint>
#include <string_view>

/// The rights that a route requires. The transport only passes them from the route to the gate.
namespace deltadrop::http {

/// Who may use a route. Operators may use all routes.
enum class AllowedTo : std::uint8_t {
  everyone,             ///< even without an API key
  any_key,              ///< with any role
  readers,              ///< role `read`
  senders,              ///< role `upload`
  readers_and_senders,  ///< role `read` or `upload`
  operators,            ///< role `admin`
};

/// The company whose data a route reads or changes. A key that is restricted to companies may access only
/// these.
enum class Scope : std::uint8_t {
  no_company,         ///< no company's data: every key passes
  company_in_path,    ///< the first parameter of the path
  company_in_query,   ///< the query parameter `Access::company_parameter`
  company_of_upload,  ///< the company of the upload in the first parameter of the path
  whole_server,       ///< all companies: only a key without restriction passes
};

/// The rights that a route requires. It has no default, so that a route without it does not compile.
struct Access {
  constexpr Access(AllowedTo who, Scope what, std::string_view parameter = "company")
      : allowed_to(who), scope(what), company_parameter(parameter) {}

  AllowedTo allowed_to;
  Scope scope;
  std::string_view company_parameter;
};

}  // namespace deltadrop::http
