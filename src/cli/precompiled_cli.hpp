// As src/precompiled.hpp, with the library of the command line.
#pragma once

#include <CLI/CLI.hpp>

#include "precompiled.hpp"
