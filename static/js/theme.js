// Loaded before the page is painted, so that it never flashes: sets <html data-theme> to light or dark.
// The choice (auto, light, dark) is kept in this browser; auto follows the system as it changes.
(() => {
  const root = document.documentElement;
  const system = matchMedia('(prefers-color-scheme: dark)');
  const choice = () => root.dataset.themeChoice ?? 'auto';
  const apply = () => {
    const theme = choice() === 'auto' ? (system.matches ? 'dark' : 'light') : choice();
    if (root.dataset.theme === theme) return;
    root.dataset.theme = theme;
    dispatchEvent(new CustomEvent('themechange'));
  };
  let kept = null;
  try { kept = localStorage.getItem('theme'); } catch { /* storage may be off: auto then */ }
  root.dataset.themeChoice = kept === 'light' || kept === 'dark' ? kept : 'auto';
  apply();
  system.addEventListener('change', apply);
  new MutationObserver(apply).observe(root, { attributeFilter: ['data-theme-choice'] });
})();
