#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "app/programs.hpp"
#include "cli/commands.hpp"
#include "cli/settings_options.hpp"

/// The commands that run until they are stopped: dev, serve and consume.
namespace deltadrop::cli {
namespace {

using Run = std::function<Result<void>(const app::Settings&)>;

int run(const SettingsFlags& flags, const Run& program) {
  return run_with_settings(flags, [&](const app::Settings& settings) -> Result<int> {
    DD_TRY(program(settings));
    return 0;
  });
}

constexpr auto kEverySetting = "Every setting is also an environment variable of the name shown.\n\n";

}  // namespace

void add_dev_command(CLI::App& program, int& exit_code) {
  auto* command =
      program.add_subcommand("dev", "API, consumer and everything else in one process; no server needed");
  const auto flags = add_settings_options(*command);
  command->footer(std::string(kEverySetting) +
                  "Examples:\n"
                  "  deltadrop dev\n"
                  "  deltadrop dev --data-dir /var/lib/deltadrop --listen 127.0.0.1:9000\n"
                  "  curl -F file=@so-financials.csv http://127.0.0.1:8000/upload");
  command->callback([flags, &exit_code] { exit_code = run(*flags, app::run_dev); });
}

void add_serve_command(CLI::App& program, int& exit_code) {
  auto* command = program.add_subcommand("serve", "the API alone; publishes to Kafka");
  const auto flags = add_settings_options(*command);
  command->footer(
      std::string(kEverySetting) +
      "Kafka and PostgreSQL may come later, or go away for a while: uploads are taken all the same.\n"
      "KAFKA_CONFIG_SASL_USERNAME sets librdkafka's property sasl.username, and so on.\n\n"
      "Example:\n"
      "  KAFKA_BOOTSTRAP_SERVERS=kafka:9092 deltadrop serve --data-dir /var/lib/deltadrop");
  command->callback([flags, &exit_code] { exit_code = run(*flags, app::run_serve); });
}

void add_consume_command(CLI::App& program, int& exit_code) {
  auto* command = program.add_subcommand("consume", "the consumer alone: Kafka to PostgreSQL and Parquet");
  const auto flags =
      add_settings_options(*command, [](app::Settings& defaults) { defaults.listen.address.port = 8001; });
  const auto accept_gap = std::make_shared<bool>(false);
  command->add_flag("--accept-gap", *accept_gap,
                    "go on at the topic's first offset where what follows the recorded one is lost");
  command->footer(std::string(kEverySetting) +
                  "As many may run as the topic has partitions. LISTEN answers /health.\n\n"
                  "Example:\n"
                  "  DATABASE_URL=postgresql://app:secret@db/cdc_data deltadrop consume --parquet-dir /lake");
  command->callback([flags, accept_gap, &exit_code] {
    exit_code =
        run(*flags, [&](const app::Settings& settings) { return app::run_consume(settings, *accept_gap); });
  });
}

}  // namespace deltadrop::cli
