// Run before the page's own scripts: `watchSwitch('click')`, then the click, then `await switched` gives milliseconds.

const QUIET_FRAMES = 4;
let loading = 0;
let changed = false;

const { fetch } = window;
window.fetch = async (...asked) => {
  loading += 1;
  const done = () => { loading -= 1; };
  try {
    const answer = await fetch(...asked);
    answer.clone().arrayBuffer().then(done, done);
    return answer;
  } catch (error) {
    done();
    throw error;
  }
};

for (const name of ['clearRect', 'fillRect', 'fill', 'stroke', 'fillText', 'drawImage', 'putImageData']) {
  const draw = CanvasRenderingContext2D.prototype[name];
  CanvasRenderingContext2D.prototype[name] = function (...parts) {
    changed = true;
    return draw.apply(this, parts);
  };
}

addEventListener('DOMContentLoaded', () => {
  const everything = { subtree: true, childList: true, attributes: true, characterData: true };
  new MutationObserver(() => { changed = true; }).observe(document.getElementById('view'), everything);
  new MutationObserver((changes) => {
    for (const script of changes.flatMap(({ addedNodes }) => [...addedNodes]).filter((node) => node instanceof HTMLScriptElement)) {
      loading += 1;
      for (const end of ['load', 'error']) script.addEventListener(end, () => { loading -= 1; });
    }
  }).observe(document.head, { childList: true });
});

window.watchSwitch = (event) => {
  window.switched = new Promise((done) => {
    addEventListener(event, ({ timeStamp }) => {
      let [painted, quiet, last] = [timeStamp, 0, false];
      const frame = () => {
        const now = performance.now();
        if (last) painted = now;
        last = changed;
        changed = false;
        quiet = last || loading > 0 ? 0 : quiet + 1;
        if (quiet < QUIET_FRAMES) requestAnimationFrame(frame);
        else done(painted - timeStamp);
      };
      changed = false;
      requestAnimationFrame(frame);
    }, { capture: true, once: true });
  });
};
