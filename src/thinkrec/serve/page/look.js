// Panels are drawn again while somebody uses the keyboard. The element with the same data-key takes the focus back.
(() => {
  let last = null;
  const find = (key) => document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  document.addEventListener("focusin", (event) => {
    last = event.target.dataset?.key ?? null;
  });
  document.addEventListener("pointerdown", (event) => {
    if (!event.target.closest("button, input, summary, a")) last = null;
  });
  new MutationObserver(() => {
    if (last !== null && document.activeElement === document.body) find(last)?.focus({ preventScroll: true });
  }).observe(document.documentElement, { childList: true, subtree: true });
  // The element may arrive a moment after the call.
  const retry = (key, act) => {
    let tries = 20;
    const step = () => {
      const element = find(key);
      if (element) act(element);
      else if (tries-- > 0) setTimeout(step, 50);
    };
    step();
  };
  window.thinkrecFocus = (key) =>
    retry(key, (element) => {
      last = key;
      element.focus({ preventScroll: true });
      reveal(element);
    });
  window.thinkrecClear = (key) => retry(key, (element) => (element.value = ""));
  window.thinkrecReveal = (key) => retry(key, reveal);
  function reveal(element) {
    const { top } = element.getBoundingClientRect();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (top < 0 || top > innerHeight - 120)
      element.scrollIntoView({ block: "start", behavior: still ? "auto" : "smooth" });
  }
})();
