"""Load `luna.toml`: flags take precedence over `LUNA_*` variables, which take precedence over the file.

A variable's name is the key in capitals with two underscores for each dot: `[train] batch_size` is
`LUNA_TRAIN__BATCH_SIZE`, `[train.base] steps` is `LUNA_TRAIN__BASE__STEPS`. Lists are written `a,b,c`. An empty
variable counts as not set, and variables without a double underscore are ignored.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from engine.config.config import CONFIG_NAME, Config
from engine.config.sources import env_layer, file_layer, flag_layer, merge


def load_config(
    workspace: Path, overrides: Mapping[str, object] | None = None, env: Mapping[str, str] | None = None
) -> Config:
    """Read `workspace/luna.toml`, lay `LUNA_*` variables and then flags over it, and validate every value.

    `overrides` maps dotted keys (`train.steps`) to values from flags; None means the flag was not given. Raises
    UsageError that names the place (file and line, variable, flag), the key, the value and what is allowed, with all
    wrong values in one message.
    """
    layers = [
        file_layer(workspace / CONFIG_NAME),
        env_layer(os.environ if env is None else env),
        flag_layer(overrides or {}),
    ]
    return merge(layers)
