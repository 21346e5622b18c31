/* What the style of base/report_style.h lacks for the table of images and their details. */
#ifndef FOVEA_APPS_REPORT_ROOM_STYLE_H
#define FOVEA_APPS_REPORT_ROOM_STYLE_H

static const char table_style[] =
    "a{color:var(--blue)}h3{margin:1.4rem 0 .4rem;font-size:1.05rem;overflow-wrap:anywhere}\n"
    "h4{margin:.8rem 0 .2rem;font-size:.9rem}svg.picture{width:8.4rem;border-radius:.3rem}\n"
    "td.picture svg{width:8.4rem}.scroll{overflow-x:auto}table.plain{width:auto}table.plain caption{text-align:left;"
    "color:var(--soft);font-size:.85rem}\n"
    ".share{display:flex;height:1.5rem;max-width:46rem;border:1px solid var(--ink);font-size:.8rem;line-height:1.4rem;"
    "margin-top:.8rem;overflow:hidden}.share "
    "i{flex:none;overflow:hidden;font-style:normal;text-align:center;white-space:nowrap;"
    "border-right:1px solid var(--ink)}.share i:last-child{border:0}\n"
    ".s-outstanding{background:#0072b2;color:#fff}.s-gradable{background:#9ad0f0}"
    ".s-ungradable{background:repeating-linear-gradient(45deg,#fff,#fff 5px,#f3cf80 5px,#f3cf80 9px)}"
    ".s-failed{background:repeating-linear-gradient(90deg,#fff,#fff 4px,#e8b49c 4px,#e8b49c 6px)}\n"
    "form.controls{display:flex;flex-wrap:wrap;gap:.5rem .9rem;align-items:end;margin:.6rem 0}"
    "form.controls label{display:flex;flex-direction:column;font-size:.8rem;color:var(--soft)}"
    "form.controls input,form.controls select,form.controls button{font:inherit;font-size:.9rem;padding:.25rem .4rem;"
    "border:1px solid var(--soft);border-radius:.3rem;background:#fff;color:var(--ink);max-width:100%}\n"
    "#images th button{all:unset;cursor:pointer;color:inherit}#images th button:focus-visible{outline:2px solid "
    "var(--blue);outline-offset:2px}#images th button::after{content:' \\2195';opacity:.5}"
    "#images th[aria-sort=ascending] button::after{content:' \\25b2';opacity:1}"
    "#images th[aria-sort=descending] button::after{content:' \\25bc';opacity:1}\n"
    "#images tr:target,.image:target{background:#fdf8ee}"
    ".image{border-top:1px solid var(--line);margin-top:1.6rem;padding-top:.2rem}"
    ".pictures{display:flex;flex-wrap:wrap;gap:1rem}.pictures figure{margin:0;max-width:15rem}"
    ".pictures svg.picture{width:15rem;max-width:100%}figcaption{color:var(--soft);font-size:.85rem}\n"
    ".facts{flex:1 1 20rem;margin:0;align-content:start}"
    ".groups{columns:20rem;column-gap:2rem;font-size:.88rem}.groups>div{break-inside:avoid-column}"
    ".groups dl{grid-template-columns:1fr max-content;gap:0 .9rem}.groups h4{break-after:avoid}\n"
    ".groups .long{grid-column:1/3;text-align:right}.groups dd{text-align:right}\n"
    "nav{display:flex;flex-wrap:wrap;gap:.4rem 1rem;margin:.8rem 0}\n"
    "@media(max-width:46rem){#images.light tr{grid-template-columns:1fr}#images td{grid-column:2}"
    "#images.light td{grid-column:1}td.picture svg{width:100%}#images td:empty{display:none}"
    "table.plain thead{display:table-header-group}table.plain tr{display:table-row}table.plain td{padding:.3rem .5rem;"
    "border-bottom:1px solid var(--line)}table.plain td.number{text-align:right}}\n"
    "@media print{form.controls,nav{display:none}.image{break-before:page;border:0}#images th button::after{content:''}"
    ".scroll{overflow:visible}a{color:inherit;text-decoration:none}#images{font-size:8pt}svg{max-width:100%}}\n";

#endif
