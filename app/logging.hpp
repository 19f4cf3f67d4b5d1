#pragma once

// Where log lines go and what they look like. Everything logs by spdlog's default logger.

#include "app/config.hpp"
#include "messages/outcome.hpp"

#include <spdlog/formatter.h>

#include <memory>
#include <vector>

namespace timenode::app {

/// Makes the default logger of this program: to standard error, or to a file that is rotated. The
/// directory of the file is made. Fails when the file cannot be written.
outcome<void> set_up_logging(const logging_config& x);

/// Changes from which level on lines are written. Thread-safe.
void set_log_level(log_level x);

/// Writes out what is buffered. For the end of the program.
void flush_log();

/// Logs each notice at its level.
void log_notices(const std::vector<config_notice>& notices);

/// One line an event, whatever is in it: control characters are escaped, since peers can bring them
/// about.
///
///   text   2026-01-31T12:34:56.789Z info  listening for peers on 0.0.0.0:24100
///   JSON   {"time":"2026-01-31T12:34:56.789Z","level":"info","event":"node-started","message":"..."}
///
/// The names of events are those of docs/events.md.
std::unique_ptr<spdlog::formatter> make_line_formatter(log_format format);

}  // namespace timenode::app
