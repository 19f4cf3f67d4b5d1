#pragma once

// Writes the flight recorder's memory (flight_memory.hpp) to files, on request and on a crash.

#include "app/flight_memory.hpp"
#include "messages/outcome.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace timenode {

/// Writes the memory to a new file in `directory`: flight-<UTC time>-<why>.bin. The ten newest
/// stay, older ones are removed. Returns its path. Thread-safe.
outcome<std::filesystem::path> write_flight_record(const flight_memory& memory,
                                                   const std::filesystem::path& directory,
                                                   const std::string& why);

/// From now on a crash (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT: systemd's watchdog sends that)
/// writes the process's memory to `directory`/flight-crash-<pid>.bin before the program ends as it
/// would have. Signals that somebody handles already (sanitizers) stay with them.
void write_flight_record_on_crash(const std::filesystem::path& directory);

/// Records of crashes in `directory`.
std::vector<std::filesystem::path> crash_records(const std::filesystem::path& directory);

// -- reading ------------------------------------------------------------------------

/// A record as a timeline, a line an entry, oldest first. Fails when the file is none, or one of
/// another version of the program.
outcome<std::string> read_flight_record(const std::filesystem::path& file);

/// The same of a block in memory.
outcome<std::string> flight_timeline(const flight_memory& memory);

}  // namespace timenode
