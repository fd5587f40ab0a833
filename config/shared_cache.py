"""The cache that several machines share, for when it is not there."""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

# Having found no Redis, do not make each request wait for it: try again after so many seconds.
TRY_AGAIN = 2.0


class SharedCache(RedisCache):
    """Django's Redis cache, except that without an answer it counts as empty: the site is slower then, not broken."""

    try_again = 0.0  # of the class: Django makes a cache object for each thread

    def attempt(self, call: Callable, otherwise: Any, *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() < SharedCache.try_again:
            return otherwise
        try:
            return call(*args, **kwargs)
        except RedisError as error:
            SharedCache.try_again = time.monotonic() + TRY_AGAIN
            log.warning("The shared cache does not answer (%s): going on without.", type(error).__name__)
            return otherwise

    def get(self, key: Any, default: Any = None, **kwargs: Any) -> Any:
        return self.attempt(super().get, default, key, default, **kwargs)

    def set(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> None:
        self.attempt(super().set, None, key, value, *args, **kwargs)

    def add(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> bool:
        return self.attempt(super().add, False, key, value, *args, **kwargs)

    def delete(self, key: Any, **kwargs: Any) -> bool:
        return self.attempt(super().delete, False, key, **kwargs)

    def incr(self, key: Any, delta: int = 1, **kwargs: Any) -> int:
        return self.attempt(super().incr, delta, key, delta, **kwargs)
