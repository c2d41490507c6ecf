#pragma once

#include <string>
#include <string_view>

#include "ingest/ingest.hpp"

/// An upload's record as JSON, in a catalog row and in the manifest next to an archived file. Both use one
/// encoder and one strict reader, so the manifest has every column by construction. State and published_at
/// are not included: they change after acceptance, and a manifest never changes. The times of the steps
/// before acceptance are not included either; nothing is derived from them.
namespace deltadrop::ingest {

/// Increased when a field is added, removed or changes its meaning. Not increased for a rare field that an
/// older reader may ignore ("reverts_to", "source").
inline constexpr int kManifestFormat = 1;

/// Returns one compact JSON object.
std::string record_to_json(const UploadRecord& record);
/// Fails with corrupt, type "bad-record"; the message names the field that is missing or wrong.
Result<UploadRecord> record_from_json(std::string_view json);

/// Returns the record with the format number first and "checksum" last, one member a line. The checksum is
/// the SHA-256 in hex of the compact object without that member.
std::string manifest_text(const UploadRecord& record);
/// Fails with corrupt, type "damaged-manifest"; the message names `path` and the problem: invalid JSON,
/// another format, a wrong checksum, or a bad field.
Result<UploadRecord> read_manifest(std::string_view text, const std::filesystem::path& path);

}  // namespace deltadrop::ingest
