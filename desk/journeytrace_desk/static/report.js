// Shows the report in the browser's own viewer. One that has none would download the file unasked,
// so there the page offers a link instead.
(() => {
  "use strict";

  const place = document.getElementById("report");
  if (!place) return;
  if (navigator.pdfViewerEnabled === false) {
    place.hidden = true;
    document.getElementById("no-viewer").hidden = false;
    return;
  }
  const frame = document.createElement("iframe");
  frame.title = "Report of the session";
  frame.src = place.dataset.src;
  place.replaceChildren(frame);
})();
