"""Running an ONNX model: on the CPU, one thread, the same bits each time, within a time."""

import threading
from typing import TYPE_CHECKING, Any

from tradeloom.errors import ModelFailed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHUNK = 256
"""Rows a run takes at once: what a model holds in memory is bounded for this many."""


class Session:
    """A loaded model. Its file must be one of ours, or have passed `_gate.examine`."""

    def __init__(self, content: bytes, *, time_limit_s: float = 5.0) -> None:
        import onnxruntime as runtime

        runtime.disable_telemetry_events()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
        options.use_deterministic_compute = True
        options.enable_cpu_mem_arena = False  # it would keep the largest run's memory for good
        options.log_severity_level = 4
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._runtime = runtime
        self._time_limit_s = time_limit_s
        try:
            self._session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own errors derive from no common class of its
            raise ModelFailed(f"The model cannot be loaded: {_first_line(error)}", field="config.model") from error
        [self._input] = [each.name for each in self._session.get_inputs()]

    def predict(self, features: "NDArray[np.float32]") -> "NDArray[np.float64]":
        """One number a row. Raises `ModelFailed` past the time limit, or where the answer is not one number a row."""
        import numpy as np

        if not len(features):
            return np.empty(0)
        options = self._runtime.RunOptions()
        options.log_severity_level = 4
        clock = threading.Timer(self._time_limit_s, _end, [options])
        clock.daemon = True
        clock.start()
        try:
            parts = [self._run(features[start : start + CHUNK], options) for start in range(0, len(features), CHUNK)]
        finally:
            clock.cancel()
        return np.concatenate(parts)

    def _run(self, rows: "NDArray[np.float32]", options: Any) -> "NDArray[np.float64]":
        import numpy as np

        try:
            if options.terminate:
                raise TimeoutError
            [answer] = self._session.run(None, {self._input: rows}, options)
        except Exception as error:
            late = f"it took longer than {self._time_limit_s:g} seconds"
            reason = late if options.terminate else _first_line(error)
            raise ModelFailed(f"The model gave no forecast: {reason}.", field="config.model") from error
        numbers = np.asarray(answer)
        if numbers.shape not in ((len(rows), 1), (len(rows),)) or numbers.dtype.kind != "f":
            raise ModelFailed(
                f"The model answered {numbers.dtype} of shape {numbers.shape} for {len(rows)} rows.",
                field="config.model",
                hint="It must give one float a row.",
            )
        if not np.isfinite(numbers).all():
            raise ModelFailed("The model's forecast is no finite number.", field="config.model")
        return numbers.reshape(-1).astype(np.float64)


def _end(options: Any) -> None:
    options.terminate = True


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300].rstrip(".")
