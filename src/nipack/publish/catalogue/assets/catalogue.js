// What a page does beyond being read: tabs, copy buttons, the theme, search. Every text of a package
// reaches the page by textContent and setAttribute alone.
(function () {
  "use strict";

  var PAGE = 60;

  function remember(key, value) {
    try { localStorage.setItem("nipack-" + key, value); } catch (error) { /* kept for this page only */ }
  }

  function remembered(key) {
    try { return localStorage.getItem("nipack-" + key); } catch (error) { return null; }
  }

  function make(tag, className, text) {
    var made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  // The address of an unstated repository is where its page is.
  function fillAddress() {
    if (document.body.dataset.address) return;
    var here = new URL(document.body.dataset.top || "./", location.href).href.replace(/\/$/, "");
    if (location.protocol === "file:" && /[^\w./~%:+-]/.test(here)) return;
    document.querySelectorAll("pre.code code").forEach(function (code) {
      code.textContent = code.textContent.split("https://ADDRESS").join(here);
    });
  }

  function addThemeButton() {
    var root = document.documentElement;
    var system = window.matchMedia("(prefers-color-scheme: dark)");
    var button = make("button", "theme");
    button.type = "button";
    function isDark() { return root.dataset.theme ? root.dataset.theme === "dark" : system.matches; }
    function label() { button.textContent = isDark() ? "Light" : "Dark"; button.setAttribute("aria-label", isDark() ? "Light theme" : "Dark theme"); }
    button.addEventListener("click", function () {
      root.dataset.theme = isDark() ? "light" : "dark";
      remember("theme", root.dataset.theme);
      label();
    });
    system.addEventListener("change", label);
    label();
    document.querySelector(".bar-line").append(button);
  }

  function copyText(text) {
    if (navigator.clipboard && window.isSecureContext) {
      return navigator.clipboard.writeText(text).catch(function () { return copyBySelection(text); });
    }
    return copyBySelection(text);
  }

  function copyBySelection(text) {
    var area = make("textarea");
    var before = document.activeElement;
    area.value = text;
    area.setAttribute("readonly", "");
    document.body.append(area);
    area.select();
    var done = document.execCommand("copy");
    area.remove();
    if (before) before.focus();
    return done ? Promise.resolve() : Promise.reject(new Error("copy"));
  }

  function addCopyButton(place) {
    var text = (place.querySelector("code") || place).textContent.trim();
    var what = place.matches("pre") ? "Copy" : place.matches(".digest") ? "Copy the digest " + text.slice(0, 12) : "Copy the citation";
    var button = make("button", "copy", "Copy");
    button.type = "button";
    button.setAttribute("aria-label", what);
    button.addEventListener("click", function () {
      copyText(text).then(function () { return "Copied"; }, function () { return "Not copied"; }).then(function (word) {
        button.textContent = word;
        button.setAttribute("aria-label", word);
        button.classList.toggle("done", word === "Copied");
        setTimeout(function () {
          button.textContent = "Copy";
          button.setAttribute("aria-label", what);
          button.classList.remove("done");
        }, 1600);
      });
    });
    if (place.matches("pre")) {
      var frame = make("div", "copyable");
      place.replaceWith(frame);
      frame.append(place, button);
    } else {
      place.append(button);
    }
  }

  var tabCount = 0;

  function makeTabs(box) {
    var panels = Array.prototype.slice.call(box.querySelectorAll(":scope > .tab"));
    var list = make("div", "tab-list");
    list.setAttribute("role", "tablist");
    list.setAttribute("aria-label", box.dataset.label);
    var buttons = panels.map(function (panel) {
      var button = make("button", "tab-button", panel.dataset.name);
      button.type = "button";
      tabCount += 1;
      button.id = "tab-" + tabCount;
      panel.id = "panel-" + tabCount;
      button.setAttribute("role", "tab");
      button.setAttribute("aria-controls", panel.id);
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", button.id);
      button.addEventListener("click", function () { choose(panel.dataset.tab); remember(box.dataset.choice, panel.dataset.tab); });
      list.append(button);
      return button;
    });
    function choose(name) {
      panels.forEach(function (panel, index) {
        var chosen = panel.dataset.tab === name;
        panel.hidden = !chosen;
        buttons[index].setAttribute("aria-selected", String(chosen));
        buttons[index].tabIndex = chosen ? 0 : -1;
      });
    }
    list.addEventListener("keydown", function (event) {
      var step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
      if (!step) return;
      var now = buttons.indexOf(document.activeElement);
      var next = step === Infinity ? buttons.length - 1 : step === -Infinity ? 0 : (now + step + buttons.length) % buttons.length;
      buttons[next].focus();
      buttons[next].click();
      event.preventDefault();
    });
    box.prepend(list);
    var wanted = remembered(box.dataset.choice);
    var names = panels.map(function (panel) { return panel.dataset.tab; });
    choose(names.indexOf(wanted) < 0 ? names[0] : wanted);
  }

  function sizeText(size) {
    if (size === 1) return "1 byte";
    var units = ["bytes", "kB", "MB", "GB"];
    for (var index = 0; index < units.length; index += 1) {
      if (size < 999.5) return (index && size < 10 ? size.toFixed(1) : size.toFixed(0)) + " " + units[index];
      size /= 1000;
    }
    return size.toFixed(1) + " TB";
  }

  function card(row) {
    var item = make("li", "card" + (row.retracted ? " is-retracted" : ""));
    if (row.picture) {
      var picture = make("img", "picture");
      picture.alt = "";
      picture.loading = "lazy";
      picture.width = row.picture.width;
      picture.height = row.picture.height;
      picture.src = row.picture.path.split("/").map(encodeURIComponent).join("/");
      item.append(picture);
    } else {
      var blank = make("div", "picture blank hue-" + Number(row.hue));
      blank.setAttribute("aria-hidden", "true");
      blank.append(make("span", "", row.relpath));
      item.append(blank);
    }
    var text = make("div", "card-text");
    var heading = make("h3");
    var link = make("a", "", row.name);
    link.href = row.page.split("/").map(encodeURIComponent).join("/");
    heading.append(link, " ", make("span", "version", row.version));
    var chips = make("p", "chips");
    if (row.retracted) chips.append(make("span", "chip warn", "retracted"));
    chips.append(make("span", "chip", row.license || "no licence stated"), make("span", "chip", sizeText(row.size)));
    row.species.concat(row.space).slice(0, 3).forEach(function (word) { chips.append(make("span", "chip soft", word)); });
    text.append(heading, make("p", "summary", row.summary), chips);
    item.append(text);
    return item;
  }

  var ORDERS = {
    date: function (a, b) { return a.date < b.date ? 1 : a.date > b.date ? -1 : a.name < b.name ? 1 : -1; },
    name: function (a, b) { return a.name < b.name ? -1 : 1; },
    size: function (a, b) { return b.size - a.size || (a.name < b.name ? -1 : 1); }
  };

  function makeSearch() {
    var form = document.getElementById("filters");
    var catalogue = window.nipackCatalogue;
    if (!form || !catalogue) return;
    var cards = document.getElementById("cards");
    var count = document.getElementById("count");
    var more = document.getElementById("more");
    var rows = catalogue.packages;
    var texts = rows.map(function (row) {
      var words = row.keywords.concat(row.species, row.space, row.libraries);
      return [row.name, row.relpath, row.summary, words.join(" "), row.files].join("\n").toLowerCase();
    });
    var names = rows.map(function (row) { return row.name.toLowerCase(); });
    var found = [];
    var shown = 0;

    function search() {
      var words = form.elements.query.value.toLowerCase().split(/\s+/).filter(Boolean);
      var umbrella = form.elements.umbrella.value;
      var license = form.elements.license.value;
      var library = form.elements.library ? form.elements.library.value : "";
      var order = ORDERS[form.elements.sort.value];
      var hits = [];
      for (var index = 0; index < rows.length; index += 1) {
        var row = rows[index];
        if (umbrella && row.umbrella !== umbrella) continue;
        if (license && row.license !== license) continue;
        if (library && row.libraries.indexOf(library) < 0) continue;
        if (!words.every(function (word) { return texts[index].indexOf(word) >= 0; })) continue;
        hits.push({ row: row, named: words.length > 0 && words.every(function (word) { return names[index].indexOf(word) >= 0; }) });
      }
      // Whoever types a name wants that package before those that mention it.
      hits.sort(function (a, b) { return Number(b.named) - Number(a.named) || order(a.row, b.row); });
      found = hits.map(function (hit) { return hit.row; });
      shown = 0;
      cards.replaceChildren();
      showMore();
      if (!found.length) cards.append(make("li", "empty", "No package is like this. Try fewer words, or another filter."));
      tell();
      keepInAddress();
    }

    function tell() {
      var all = rows.length.toLocaleString("en");
      var word = rows.length === 1 ? " package" : " packages";
      count.textContent = found.length === rows.length ? all + word : found.length.toLocaleString("en") + " of " + all + word;
    }

    function showMore() {
      var next = found.slice(shown, shown + PAGE).map(card);
      cards.append.apply(cards, next);
      shown += next.length;
      if (more) more.hidden = shown >= found.length;
      return next[0];
    }

    function keepInAddress() {
      var kept = new URLSearchParams();
      ["query", "umbrella", "license", "library", "sort"].forEach(function (name) {
        var value = form.elements[name] ? form.elements[name].value : "";
        if (value && !(name === "sort" && value === "date")) kept.set(name, value);
      });
      var text = kept.toString();
      try { history.replaceState(null, "", location.pathname + (text ? "?" + text : "") + location.hash); } catch (error) { /* not from a disk */ }
    }

    var wanted = new URLSearchParams(location.search);
    wanted.forEach(function (value, name) {
      if (!/^(query|umbrella|license|library|sort)$/.test(name) || !form.elements[name]) return;
      form.elements[name].value = value;
      if (form.elements[name].selectedIndex === -1) form.elements[name].selectedIndex = 0;
    });
    form.addEventListener("input", search);
    form.addEventListener("submit", function (event) { event.preventDefault(); });
    if (more) more.addEventListener("click", function () {
      var first = showMore();
      if (first) first.querySelector("a").focus();
    });
    document.addEventListener("keydown", function (event) {
      if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
        form.elements.query.focus();
        event.preventDefault();
      }
    });
    form.hidden = false;
    search();
  }

  fillAddress();
  addThemeButton();
  document.querySelectorAll(".tabs").forEach(makeTabs);
  document.querySelectorAll("[data-copy]").forEach(addCopyButton);
  makeSearch();
})();
