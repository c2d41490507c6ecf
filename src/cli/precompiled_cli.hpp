// As src/precompiled.hpp, with the library of the command line.
#pragma once

#include "precompiled.hpp"

#include <CLI/CLI.hpp>
