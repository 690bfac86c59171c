// Notes when what a run says reaches the page, and when the frames that show it are presented. For bench_console_events.
//
// A frame's time is the browser's own: each change brings a probe, a short text whose first painting Element Timing
// tells, and it is presented with the frame it is painted in.
(() => {
  const noted = { received: [], changes: [], presented: [] };
  const wall = (moment) => performance.timeOrigin + moment;
  // Probes lie one on the other, on a text that is always there: their coming and going moves nothing and changes no layer.
  const corner = document.createElement('div');
  corner.style.cssText = 'position:fixed;right:0;bottom:0;width:20px;height:20px;font:6px/8px monospace;background:#888';
  corner.append(text());
  const pending = new Map();
  let probes = 0;

  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      this.addEventListener('message', ({ data }) => noted.received.push([wall(performance.now()), data]));
    }
  };

  function text() {
    const made = document.createElement('div');
    made.textContent = '·';
    made.style.cssText = 'height:8px;margin-bottom:-8px';
    return made;
  }

  function change(what) {
    const probe = text();
    const number = ++probes;
    probe.setAttribute('elementtiming', String(number));
    pending.set(String(number), probe);
    corner.append(probe);
    noted.changes.push({ probe: number, at: wall(performance.now()), ...what });
  }

  function watch() {
    document.body.append(corner);
    new PerformanceObserver((list) => {
      for (const { identifier, renderTime } of list.getEntries()) {
        noted.presented.push([Number(identifier), wall(renderTime)]);
        pending.get(identifier)?.remove();
        pending.delete(identifier);
      }
    }).observe({ type: 'element' });
    let last = 0;
    const lines = document.querySelector('[role=log] ol');
    new MutationObserver(() => {
      const seq = Number(lines.lastElementChild?.dataset.seq ?? 0);
      if (seq > last) change({ line: (last = seq) });
    }).observe(lines, { childList: true });
    new MutationObserver((records) => {
      const nodes = records.map(({ target }) => [target.closest('.react-flow__node')?.dataset.id, target.dataset.status]);
      change({ nodes });
    }).observe(document.querySelector('.react-flow__nodes'), { subtree: true, attributeFilter: ['data-status'] });
    noted.received = [];
  }

  window.runNotes = { noted, watch };
})();
