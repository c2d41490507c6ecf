#include <cstdio>
#include <string>
#include <vector>

#include "io/file.hpp"
#include "lake/lake.hpp"
#include "sample.hpp"
#include "support/fake_history.hpp"

/// lake_writer FOLDER [EVENTS.jsonl] writes the first four sample uploads. With a second argument it also
/// writes the upload with unusual values, and the events of all uploads as JSON lines. On failure it prints
/// the error's type and exits with 1. It is a separate program because a fault plan applies to a whole
/// process.
int main(int argc, char** argv) {
  using namespace deltadrop;
  if (argc < 2 || argc > 3) return 2;
  std::vector uploads = {testing::first_upload(), testing::second_upload(), testing::typed_upload(),
                         testing::widened_upload()};
  if (argc == 3) uploads.push_back(testing::hostile_upload());
  testing::FakeHistory history;
  lake::Options options;
  options.folder = argv[1];
  std::string lines;
  for (const auto& events : uploads) {
    const auto& facts = events.front().upload;
    io::ManualClock clock(facts.timestamp);
    const auto report = lake::write_upload(options, history, history.add(events), clock);
    if (!report.has_value()) {
      std::fputs(report.error().type.c_str(), stdout);
      return 1;
    }
    for (const auto& event : events) {
      append_event_json(lines, event);
      lines += '\n';
    }
  }
  return argc == 2 || io::write_file_durably(argv[2], lines).has_value() ? 0 : 1;
}
