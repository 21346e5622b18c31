// What must hold of a report in a browser; findings go to an element at the end of the page.
addEventListener('load', function () {
  'use strict';
  var said = [], made = 0;
  function check(holds, text) {
    made++;
    if (!holds) { said.push('FINDING ' + text); }
  }
  function find(selector) { return document.querySelector(selector); }
  function shown() {
    return Array.from(document.querySelectorAll('#images tbody tr')).filter(function (row) {
      return row.getClientRects().length > 0;
    });
  }
  function column(name) {
    return Array.from(find('#images').tHead.rows[0].cells).findIndex(function (head) {
      return head.getAttribute('data-name') === name;
    });
  }
  function texts(name) {
    var index = column(name);
    return shown().map(function (row) { return row.cells[index].textContent.trim(); });
  }
  function set(selector, value) {
    var element = find(selector);
    element.value = value;
    element.dispatchEvent(new Event(element.tagName === 'INPUT' ? 'input' : 'change'));
  }
  function numbersGoUp(values, sign) {
    var numbers = values.filter(function (value) { return value !== ''; }).map(Number);
    var blanks = values.slice(numbers.length);
    return numbers.length > 5 && blanks.every(function (value) { return value === ''; }) &&
        numbers.every(function (value, i) { return i === 0 || sign * (value - numbers[i - 1]) >= 0; });
  }
  function checkSorting() {
    var head = find('th[data-name=faz_area_mm2]'), button = head.querySelector('button');
    button.click();
    check(numbersGoUp(texts('faz_area_mm2'), 1), 'areas do not go up');
    check(head.getAttribute('aria-sort') === 'ascending', 'aria-sort does not say ascending');
    button.click();
    check(numbersGoUp(texts('faz_area_mm2'), -1), 'areas do not go down');
    check(head.getAttribute('aria-sort') === 'descending', 'aria-sort does not say descending');
    check(document.querySelectorAll('[aria-sort]').length === 1, 'two columns are sorted');
    Array.from(document.querySelectorAll('#images th[data-name]')).forEach(function (each) {
      each.querySelector('button').click();
      check(each.getAttribute('aria-sort') === 'ascending', each.textContent + ' cannot be sorted');
    });
    set('#order', column('grade') + ' down');
    check(/outstanding/.test(texts('grade')[0]), 'the best grade is not first');
    set('#order', column('file') + ' up');
    check(texts('file').indexOf('image4.png') < texts('file').indexOf('image10.png'), 'names do not sort by numbers');
    button.focus();
    check(document.activeElement === button || innerWidth < 736, 'a head cannot be reached by keyboard');
  }
  function checkFilters(all) {
    set('#search', 'damaged png');
    check(shown().length > 0 && texts('status').every(function (text) { return /damaged PNG/.test(text); }), 'search');
    check(find('#shown').textContent.indexOf(shown().length + ' of ' + all + ' images') === 0, 'the count of the found');
    set('#search', 'no such text');
    check(shown().length === 0, 'rows without the text are shown');
    set('#search', '');
    set('#choose-status', '=ungradable');
    check(shown().length === Math.floor((all + 2) / 10), 'ungradable images: ' + shown().length);
    set('#choose-status', 'all');
    set('#choose-layer', '=deep');
    set('#choose-eye', '=OD');
    check(shown().length > 0 && texts('layer').concat(texts('eye')).every(function (text) {
      return text === 'deep' || text === 'OD';
    }), 'layer and eye');
    set('#choose-layer', 'none');
    set('#choose-eye', 'all');
    check(shown().length === Math.ceil(all / 9), 'unknown layers: ' + shown().length);
    set('#choose-layer', 'all');
    set('#choose-grade', '=outstanding');
    check(shown().length > 0 && texts('grade').every(function (text) { return /outstanding/.test(text); }), 'grade');
    set('#choose-grade', 'all');
    set('#choose-warnings', '=more than one region');
    check(shown().length > 0 && texts('warnings').every(function (text) { return /more than one/.test(text); }), 'warning');
    set('#choose-warnings', 'none');
    check(shown().length > 0 && texts('warnings').every(function (text) { return text === ''; }), 'without warnings');
    set('#choose-warnings', 'all');
    check(shown().length === all, 'rows do not come back');
  }
  function checkPictures() {
    Array.from(document.querySelectorAll('svg.picture use')).forEach(function (use) {
      check(document.querySelectorAll(use.getAttribute('href')).length === 1, use.getAttribute('href') + ' is not there');
    });
    Array.from(document.querySelectorAll('svg.picture')).slice(0, 10).forEach(function (picture) {
      var box = picture.getBoundingClientRect();
      check(box.width > 40 && box.height > 40, 'a picture is too small to see');
      check(picture.getAttribute('aria-label') !== '', 'a picture without a description');
    });
    Array.from(document.querySelectorAll('a[href^="#"]')).forEach(function (link) {
      check(document.getElementById(link.getAttribute('href').slice(1)), link.getAttribute('href') + ' leads nowhere');
    });
  }
  check(document.documentElement.scrollWidth <= innerWidth, 'the page is wider than the window');
  check(/Research use only/.test(document.body.textContent), 'no notice');
  checkPictures();
  if (find('#images')) {
    check(!find('#controls').hidden, 'no controls');
    checkSorting();
    checkFilters(find('#images').tBodies[0].rows.length);
    check(document.documentElement.scrollWidth <= innerWidth, 'the page becomes wider than the window');
  }
  said.push('checks made: ' + made);
  var findings = document.createElement('pre');
  findings.id = 'findings';
  findings.textContent = '\n' + said.join('\n') + '\n';
  document.body.appendChild(findings);
});
