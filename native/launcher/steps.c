#include "launcher/steps.h"

#define LAUNCHER_STEP_DEFINE(name, text) const char STEP_##name[] = text;
LAUNCHER_STEPS(LAUNCHER_STEP_DEFINE)
