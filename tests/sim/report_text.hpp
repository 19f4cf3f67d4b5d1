#pragma once

#include "tests/sim/simulation.hpp"

#include <string>

namespace sim {

/// The report for people, several lines.
std::string text_of(const simulation_report& x);

}  // namespace sim
