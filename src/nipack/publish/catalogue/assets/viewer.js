// The viewer of a volume, on demand: one for the page, that goes to whichever volume is asked for. The
// program that draws and the volume are scripts beside the page, so that it works from a disk, too.
(function () {
  "use strict";

  var VIEWS = [["All", 3], ["3-D", 4], ["Axial", 0], ["Coronal", 1], ["Sagittal", 2]];
  var MOVES = {
    ArrowLeft: [-1, 0, 0], ArrowRight: [1, 0, 0], ArrowDown: [0, -1, 0], ArrowUp: [0, 1, 0],
    PageDown: [0, 0, -1], PageUp: [0, 0, 1]
  };
  var loaded = {};
  var viewer = null;
  var current = null;

  function make(tag, className, text) {
    var made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function load(address) {
    if (!loaded[address]) {
      loaded[address] = new Promise(function (done, failed) {
        var script = make("script");
        script.src = address;
        script.onload = done;
        script.onerror = function () { delete loaded[address]; failed(new Error("A file of the viewer is not there: " + address.split("/").pop())); };
        document.head.append(script);
      });
    }
    return loaded[address];
  }

  function canDraw() {
    try { return Boolean(make("canvas").getContext("webgl2")); } catch (error) { return false; }
  }

  function bytesOf(text) {
    return Uint8Array.from(atob(text), function (letter) { return letter.charCodeAt(0); }).buffer;
  }

  function number(value) {
    return String(Number(value.toPrecision(3))).replace("-", "\u2212");
  }

  // The panel is made once, for a browser has only few canvases that draw in three dimensions.
  function makeViewer(box) {
    var panel = make("div", "viewer-panel");
    var canvas = make("canvas", "viewer-canvas");
    var place = make("output", "viewer-place");
    var choices = make("div", "viewer-views");
    panel.setAttribute("role", "group");
    choices.setAttribute("role", "group");
    choices.setAttribute("aria-label", "View");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-roledescription", "volume");
    var frame = make("div", "viewer-frame");
    frame.append(canvas);
    var bar = make("div", "viewer-bar");
    bar.append(choices, place);
    var hint = make("p", "hint", "Drag to turn it or to move the crosshair; with the keyboard, the arrow keys and Page Up and Page Down move it. A coarse copy of the volume, drawn by ");
    var licence = make("a", "", "NiiVue");
    licence.href = box.dataset.licence;
    hint.append(licence, ".");
    panel.append(frame, bar, hint);
    var drawing = new window.niivue.Niivue({
      backColor: [0.02, 0.03, 0.03, 1], crosshairColor: [0.37, 0.82, 0.76, 0.9], crosshairWidth: 0.6, fontMinPx: 16,
      show3Dcrosshair: true, multiplanarShowRender: 1, multiplanarLayout: 2, multiplanarEqualSize: true,
      dragAndDropEnabled: false, isRadiologicalConvention: false, loadingText: "", logLevel: "silent"
    });
    var made = { panel: panel, canvas: canvas, drawing: drawing, place: place, volume: null };
    VIEWS.forEach(function (view) {
      var button = make("button", "tab-button", view[0]);
      button.type = "button";
      button.setAttribute("aria-pressed", String(view[1] === 3));
      button.addEventListener("click", function () {
        drawing.setSliceType(view[1]);
        choices.querySelectorAll("button").forEach(function (each) { each.setAttribute("aria-pressed", String(each === button)); });
      });
      choices.append(button);
    });
    canvas.addEventListener("keydown", function (event) {
      var move = MOVES[event.key];
      if (!move || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      drawing.moveCrosshairInVox(move[0], move[1], move[2]);
    }, true);
    drawing.onLocationChange = function (found) { tell(made, found); };
    return made;
  }

  function tell(made, found) {
    var mm = Array.prototype.slice.call(found.mm, 0, 3).map(function (each) { return String(Math.round(each)).replace("-", "\u2212"); });
    var text = "x " + mm[0] + ", y " + mm[1] + ", z " + mm[2] + " mm";
    var value = found.values && found.values.length ? found.values[0].value : NaN;
    if (made.volume.colours.length) {
      var region = made.volume.regions[Math.round(value) - 1];
      if (region !== undefined) text += " \u00b7 region " + region;
    } else if (isFinite(value)) {
      text += " \u00b7 " + number(value);
    }
    made.place.textContent = text;
  }

  function colour(image, colours) {
    var table = { R: [0], G: [0], B: [0], A: [0], I: [0], labels: [""] };
    colours.forEach(function (each, index) {
      table.R.push(each[0]); table.G.push(each[1]); table.B.push(each[2]);
      table.A.push(255); table.I.push(index + 1); table.labels.push("");
    });
    image.setColormapLabel(table);
  }

  async function show(box) {
    if (!canDraw()) throw new Error("This browser cannot draw in three dimensions: WebGL 2 is missing or switched off.");
    await Promise.all([load(box.dataset.script), load(box.dataset.volume)]);
    var volume = window.nipackVolumes && window.nipackVolumes[box.dataset.key];
    if (!window.niivue || !volume) throw new Error("The viewer or its volume is damaged.");
    var first = !viewer;
    if (first) viewer = makeViewer(box);
    viewer.volume = volume;
    viewer.panel.setAttribute("aria-label", "Volume " + box.dataset.name);
    viewer.canvas.setAttribute("aria-label", box.dataset.name + ": the arrow keys, Page Up and Page Down move the crosshair");
    box.append(viewer.panel);
    if (first) await viewer.drawing.attachToCanvas(viewer.canvas);
    while (viewer.drawing.volumes.length) viewer.drawing.removeVolumeByIndex(0);
    await viewer.drawing.loadFromArrayBuffer(bytesOf(volume.content), "volume.nii.gz");
    viewer.drawing.setInterpolation(volume.colours.length > 0);
    if (volume.colours.length) {
      colour(viewer.drawing.volumes[0], volume.colours);
      viewer.drawing.updateGLVolume();
    }
    viewer.drawing.moveCrosshairInVox(0, 0, 0);
    viewer.panel.dataset.shows = box.dataset.key;
  }

  function label(box, button, isOpen) {
    button.textContent = isOpen ? "Close the 3-D view" : "Look at it in 3-D";
    button.setAttribute("aria-label", button.textContent + ": " + box.dataset.name);
    button.setAttribute("aria-expanded", String(isOpen));
  }

  function close(box) {
    var button = box.querySelector(".viewer-open");
    if (viewer && viewer.panel.parentNode === box) viewer.panel.remove();
    label(box, button, false);
    box.closest("li").classList.remove("is-open");
    if (current === box) current = null;
  }

  async function open(box) {
    var button = box.querySelector(".viewer-open");
    var message = box.querySelector(".viewer-message");
    if (current) close(current);
    current = box;
    label(box, button, true);
    message.textContent = "Loading the volume\u2026";
    try {
      await show(box);
      message.textContent = "";
      box.closest("li").classList.add("is-open");
    } catch (error) {
      close(box);
      message.textContent = error.message + " The slices above show the middle of the volume.";
    }
  }

  document.querySelectorAll(".viewer").forEach(function (box) {
    var button = make("button", "button viewer-open");
    button.type = "button";
    label(box, button, false);
    button.addEventListener("click", function () {
      if (current === box) close(box); else open(box);
    });
    var message = make("p", "viewer-message");
    message.setAttribute("role", "status");
    box.append(button, message);
    box.hidden = false;
  });
})();
