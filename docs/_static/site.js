// What scrolls sideways on a phone can be reached and scrolled by the keyboard.
document.addEventListener("DOMContentLoaded", () => {
  for (const image of document.querySelectorAll('.bd-article img[src$=".svg"]')) {
    image.parentElement.tabIndex = 0;
  }
});
