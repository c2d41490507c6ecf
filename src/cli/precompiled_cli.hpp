// The headers of src/precompiled.hpp and of the command-line library.
#pragma once

#include <CLI/CLI.hpp>

#include "precompiled.hpp"
