#pragma once

#include "net/random.hpp" // IWYU pragma: export
