// What src/precompiled.hpp is for the program, for the tests.
#pragma once

#include <gtest/gtest.h>

#include "precompiled.hpp"
