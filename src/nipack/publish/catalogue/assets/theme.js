// Before anything is painted: the chosen theme, and that there is a program.
(function () {
  "use strict";
  var root = document.documentElement;
  root.className = "js";
  try {
    var theme = localStorage.getItem("nipack-theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  } catch (error) {
    // Some browsers keep nothing for a page from a disk.
  }
})();
