/* How every report looks: the text of its style element. The colours are told apart with any colour vision (Okabe and
 * Ito), and no fact is told by colour alone. */
#ifndef FOVEA_APPS_REPORT_STYLE_H
#define FOVEA_APPS_REPORT_STYLE_H

static const char report_style[] =
    ":root{--ink:#1b2430;--soft:#5b6675;--line:#d9dee5;--back:#f5f7f9;--blue:#0072b2;--orange:#b36b00;--red:#b8450b}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;padding:1.5rem;max-width:72rem;color:var(--ink);background:#fff;"
    "font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}\n"
    "h1{margin:0;font-size:1.7rem}h2{margin:2.2rem 0 .7rem;font-size:1.15rem}p{margin:.5rem 0}\n"
    ".lead{color:var(--soft);margin-top:.1rem}.tiles+.lead{margin-top:.6rem}\n"
    ".notice{margin:1rem 0;padding:.7rem 1rem;border-left:5px solid var(--red);background:#fdf3ee;font-weight:600}\n"
    ".remark{margin:1rem 0;padding:.7rem 1rem;border-left:5px solid var(--orange);background:#fdf8ee}\n"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.8rem}\n"
    ".tile{padding:.7rem .9rem;border:1px solid var(--line);border-radius:.5rem;background:var(--back)}\n"
    ".tile b{display:block;font-size:1.7rem;line-height:1.2;font-variant-numeric:tabular-nums}\n"
    ".tile span{color:var(--soft);font-size:.9rem}\n"
    "table{width:100%;border-collapse:collapse;font-size:.93rem}\n"
    "th,td{padding:.55rem .6rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}\n"
    "th{color:var(--soft);font-weight:600;font-size:.85rem;vertical-align:bottom}\n"
    "td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}\n"
    "td.file{overflow-wrap:anywhere;min-width:12rem;width:30%}td.picture{width:9.5rem}\n"
    "td.picture img{display:block;width:8.4rem;height:auto;border-radius:.3rem}\n"
    ".none{display:block;width:8.4rem;padding:1.6rem 0;text-align:center;border:1px dashed var(--line);"
    "border-radius:.3rem;color:var(--soft);font-size:.85rem}\n"
    ".state{font-weight:600;white-space:nowrap}\n"
    ".ok{color:var(--blue)}.ungradable{color:var(--orange)}.failed{color:var(--red)}\n"
    ".why{display:block;color:var(--soft);font-weight:400;white-space:normal;overflow-wrap:anywhere}\n"
    ".bar{display:flex;width:7.5rem;height:.55rem;margin-top:.3rem;border:1px solid var(--soft);background:#fff}\n"
    ".bar i{display:block;height:100%}.bar i:nth-child(1){background:#e69f00}.bar i:nth-child(2){background:#9ad0f0}"
    ".bar i:nth-child(3){background:#0072b2}\n"
    ".chances{display:block;color:var(--soft);font-size:.8rem;white-space:nowrap}\n"
    "details{margin-top:.4rem;font-size:.88rem}summary{cursor:pointer;color:var(--blue)}\n"
    "dl{display:grid;grid-template-columns:minmax(6rem,max-content) minmax(8rem,1fr);gap:.1rem .9rem;margin:.4rem 0}\n"
    "dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}\n"
    "svg{display:block;max-width:100%;height:auto}svg text{font:12px system-ui,'DejaVu Sans',sans-serif;fill:#5b6675}\n"
    "footer{margin-top:2.5rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--soft);font-size:.9rem}\n"
    "@media(max-width:46rem){body{padding:1rem}thead{display:none}"
    "tr{display:grid;grid-template-columns:9rem 1fr;gap:0 .8rem;padding:.9rem 0;border-bottom:1px solid var(--line)}"
    "td{padding:.12rem 0;border:0;grid-column:2}td.picture{grid-column:1;grid-row:1/12}"
    "td.number{text-align:left}td[data-label]::before{content:attr(data-label) ' ';color:var(--soft)}"
    "td.file{min-width:0}dl{grid-template-columns:1fr}dd{margin-bottom:.3rem}}\n"
    "@media print{body{max-width:none;padding:0;font-size:11pt}tr,.tile{break-inside:avoid}thead{display:"
    "table-header-group}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n";

#endif
