// What src/precompiled.hpp is for the program, for the tests.
#pragma once

#include "precompiled.hpp"

#include <gtest/gtest.h>
